import type { z } from 'zod';
import { ClusterOptionsError } from '../errors/errors.js';
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
      // Any text among these may be a password, or hold one.
      return { path: path.map(String).join('.') || 'options', got: show(got, true), remedy: message };
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

/** How a package is loaded, and which version of it that is. */
export interface PackageSource {
  load(name: string): Promise<unknown>;
  /** undefined where it cannot be told */
  version(name: string): string | undefined;
}

/**
 * Loads optional packages, in this order. Their versions are checked here and not by peerDependencies: an app may have
 * others for uses of its own, and npm would refuse to install this package beside them.
 *
 * @param wanted the major versions of each that the engine works with, the newest last
 * @throws ClusterOptionsError for one that is not installed or has another version, with the command that installs it
 */
export function loadEnginePackages(
  call: string,
  wanted: Readonly<Record<string, readonly number[]>>,
  source: PackageSource,
): Promise<unknown[]> {
  const installable = (name: string) => `${name}@${wanted[name]?.at(-1)}`;
  return Promise.all(
    Object.entries(wanted).map(async ([name, majors]) => {
      const version = source.version(name);
      if (version !== undefined && !majors.includes(Number.parseInt(version, 10))) {
        throw new ClusterOptionsError(
          `messenger.engine: ${call} needs the package ${name} in version ${majors.join(' or ')}; ${version} is ` +
            `installed. Change it: npm install ${installable(name)}`,
        );
      }
      return source.load(name).catch((error: unknown) => {
        throw new ClusterOptionsError(
          `messenger.engine: ${call} needs the package ${name}, which could not be loaded (${String(error)}). ` +
            `Install it: npm install ${Object.keys(wanted).map(installable).join(' ')}`,
          { cause: error },
        );
      });
    }),
  );
}
