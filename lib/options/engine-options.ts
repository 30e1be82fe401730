import type { z } from 'zod';
import { ClusterOptionsError } from '../errors/errors.js';
import { refusal, show } from './problem.js';

/**
 * Checks the options that a user passed to an engine.
 *
 * @param call the call as the user wrote it, such as `nats()`
 * @throws ClusterOptionsError that lists all problems
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
      // Any of these strings may be or contain a password.
      return { path: path.map(String).join('.') || 'options', got: show(got, true), remedy: message };
    }),
  );
}

/**
 * A connection that the user passes in excludes `others`.
 * @throws ClusterOptionsError with `why` if others are given
 */
export function checkAlone(call: string, connection: unknown, others: object, why: string): void {
  const given = Object.entries(others).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  if (connection === undefined || given.length === 0) return;
  const remedy = `expected it without ${given.join(', ')}: ${why}`;
  throw refusal(call, [{ path: 'connection', got: 'a connection', remedy }]);
}

/** Loads a package and tells its version. */
export interface PackageSource {
  load(name: string): Promise<unknown>;
  /** undefined if the version is not known */
  version(name: string): string | undefined;
}

/**
 * Loads optional packages, in this order. Their versions are checked here and not by peerDependencies: an app may use
 * other versions for its own purposes, and npm would then refuse to install this package.
 *
 * @param wanted the major versions of each package that the engine works with, newest last
 * @throws ClusterOptionsError if one is not installed or has another version, with the command that installs it
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
