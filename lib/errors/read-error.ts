import { inspect, type InspectOptions, types } from 'node:util';

/*
 * A thrown value may be anything: an error whose getters throw, a revoked proxy, an object that has no string. Code
 * that writes an error to a log or to another process reads it with these functions only. Nothing in this file throws.
 */

/** What can be read of a thrown value. */
export interface ErrorAccount {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
}

/** How many characters of the reason are shown when something cannot be read. */
const MAX_REASON = 200;

/** How many characters a log shows of an error, or of a thrown value that is not an error. */
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

/** Reads the parts of a thrown value. If one cannot be read, `message` says so: `an error that cannot be read: …`. */
export function readError(thrown: unknown): ErrorAccount {
  if (!isError(thrown)) return { name: 'Error', message: typeof thrown === 'string' ? thrown : shown(thrown) };
  const problems: string[] = [];
  const read = (part: 'name' | 'message' | 'code'): unknown => {
    try {
      const value = (thrown as { readonly [key in typeof part]?: unknown })[part];
      // Name and message are converted to strings; a code that is neither a string nor a number is left out.
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

/** The message of a thrown value, shortened for a log. */
export function messageOf(thrown: unknown): string {
  return shortened(readError(thrown).message);
}

/** The stack of a thrown value, shortened for a log; its message if it has no stack. */
export function stackOf(thrown: unknown): string {
  const { message, stack } = readError(thrown);
  return shortened(stack ?? message);
}

/** `value` as `util.inspect` shows it, shortened for a log. */
export function inspected(value: unknown, options?: InspectOptions): string {
  try {
    return shortened(inspect(value, options));
  } catch (problem) {
    return isError(value) ? stackOf(value) : `${UNREADABLE}: ${reasonOf(problem)}`;
  }
}

/** `text`, cut to its first `most` characters. */
export function shortened(text: string, most = MAX_SHOWN): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/**
 * Shows a value that is not an error. Node inspects a revoked proxy without complaint, so that case is checked first.
 */
function shown(value: unknown): string {
  try {
    if (typeof value === 'object' && value !== null) Object.getPrototypeOf(value);
  } catch (problem) {
    return `${UNREADABLE}: ${reasonOf(problem)}`;
  }
  return inspected(value);
}

/** A short text that says why something cannot be read. The reason may be unreadable, too. */
export function reasonOf(problem: unknown): string {
  try {
    return shortened(asText(problem), MAX_REASON);
  } catch {
    return 'for a reason that cannot be read either';
  }
}

/** @throws whatever the value's own string conversion throws */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : String(value);
}

/** The stack, if it is a string: some libraries put other values there. */
function stackIn(error: Error): string | undefined {
  try {
    const { stack } = error as { readonly stack?: unknown };
    return typeof stack === 'string' ? stack : undefined;
  } catch {
    return undefined;
  }
}
