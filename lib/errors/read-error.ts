import { inspect, type InspectOptions, types } from 'node:util';

/*
 * What is thrown may be anything: an error whose getters throw, a revoked proxy, an object that has no string. Whoever
 * writes an error down, for a log or another process, reads it here and nowhere else: nothing in this file throws.
 */

/** What can be said of something that was thrown. */
export interface ErrorAccount {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
}

/** Of why something cannot be read, so many characters are told. */
const MAX_REASON = 200;

/** Of a value that is no error, and of an error in a log, so many characters are told. */
const MAX_SHOWN = 16_384;

const UNREADABLE = 'an error that cannot be read';

/** Whether `value` is an error, of this realm or another. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error || types.isNativeError(value);
  } catch {
    return false;
  }
}

/** The parts of what was thrown; where they cannot be read, `message` says so: `an error that cannot be read: …`. */
export function readError(thrown: unknown): ErrorAccount {
  if (!isError(thrown)) return { name: 'Error', message: typeof thrown === 'string' ? thrown : shown(thrown) };
  const problems: string[] = [];
  const read = (part: 'name' | 'message' | 'code'): unknown => {
    try {
      const value = (thrown as { readonly [key in typeof part]?: unknown })[part];
      // Any name and message has to be a text; a code that is neither text nor number is none.
      return part === 'code' ? value : asText(value);
    } catch (problem) {
      problems.push(`its ${part} cannot be read (${reasonOf(problem)})`);
      return undefined;
    }
  };
  const name = (read('name') as string | undefined) ?? 'Error';
  const message = read('message') as string | undefined;
  const code = read('code');
  const stack = stackIn(thrown);
  return {
    name,
    message:
      problems.length === 0 && message !== undefined
        ? message
        : `${UNREADABLE}: ${[...(message ? [message] : []), ...problems].join('; ')}`,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** The message of what was thrown, as a log shows it. */
export function messageOf(thrown: unknown): string {
  return shortened(readError(thrown).message);
}

/** The stack of what was thrown, as a log shows it; its message where it has none. */
export function stackOf(thrown: unknown): string {
  const { message, stack } = readError(thrown);
  return shortened(stack ?? message);
}

/** `value` as Node shows it. */
export function inspected(value: unknown, options?: InspectOptions): string {
  try {
    return shortened(inspect(value, options));
  } catch (problem) {
    return isError(value) ? stackOf(value) : `${UNREADABLE}: ${reasonOf(problem)}`;
  }
}

/** `text`, or its first `most` characters. */
export function shortened(text: string, most = MAX_SHOWN): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** What is no error; of a proxy that was revoked Node knows a name, but nobody else anything. */
function shown(value: unknown): string {
  try {
    if (typeof value === 'object' && value !== null) Object.getPrototypeOf(value);
  } catch (problem) {
    return `${UNREADABLE}: ${reasonOf(problem)}`;
  }
  return inspected(value);
}

/** Why something cannot be read, in short; it may be as odd itself. */
export function reasonOf(problem: unknown): string {
  try {
    return shortened(asText(problem), MAX_REASON);
  } catch {
    return 'for a reason that cannot be read either';
  }
}

/** @throws what its conversion throws, where it has one */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : String(value);
}

/** Some libraries leave anything there. */
function stackIn(error: Error): string | undefined {
  try {
    const { stack } = error as { readonly stack?: unknown };
    return typeof stack === 'string' ? stack : undefined;
  } catch {
    return undefined;
  }
}
