import type { z } from 'zod';
import { ClusterOptionsError } from '../errors/index.js';
import { refusal, show } from './problem.js';

/**
 * What a user gave an engine, checked.
 *
 * @param call how the user wrote it, such as `nats()`
 * @throws ClusterOptionsError that lists everything that is wrong
 */
export function checkEngineOptions<Schema extends z.ZodType>(call: string, schema: Schema, input: unknown) {
  const { data, error } = schema.safeParse(input ?? {});
  if (error === undefined) return data;
  throw refusal(
    call,
    error.issues.map(({ path, message }) => {
      const got = path.reduce<unknown>(
        (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
        input,
      );
      return { path: path.map(String).join('.') || 'options', got: show(got), remedy: message };
    }),
  );
}

/** A connection that is handed in goes without `others`. @throws ClusterOptionsError where some are given, with `why` */
export function checkAlone(call: string, connection: unknown, others: object, why: string): void {
  const given = Object.entries(others).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  if (connection === undefined || given.length === 0) return;
  const remedy = `expected it without ${given.join(', ')}: ${why}`;
  throw refusal(call, [{ path: 'connection', got: 'a connection', remedy }]);
}

/**
 * Loads optional packages, in this order.
 *
 * @throws ClusterOptionsError for one that is not installed, with the command that installs them
 */
export function loadEnginePackages(
  call: string,
  names: readonly string[],
  load: (name: string) => Promise<unknown>,
): Promise<unknown[]> {
  return Promise.all(
    names.map((name) =>
      load(name).catch((error: unknown) => {
        throw new ClusterOptionsError(
          `messenger.engine: ${call} needs the package ${name}, which could not be loaded (${String(error)}). ` +
            `Install it: npm install ${names.join(' ')}`,
          { cause: error },
        );
      }),
    ),
  );
}
