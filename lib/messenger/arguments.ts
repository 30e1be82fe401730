import { InvalidArgumentError } from '../errors/errors.js';
import { inspected } from '../errors/read-error.js';

/** Longest event name, id or key, in UTF-8 bytes: they travel in a frame's header. */
const MAX_NAME_BYTES = 1024;

/** Refuses an event name, id or key that is not a non-empty string of reasonable length. */
export function checkName(call: string, what: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidArgumentError(`${call}: ${what} must be a non-empty string, not ${show(value)}.`);
  }
  // No string is longer in bytes than three times its length.
  if (value.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(value) > MAX_NAME_BYTES) {
    throw new InvalidArgumentError(
      `${call}: ${what} is ${Buffer.byteLength(value)} bytes long, over the limit of ${MAX_NAME_BYTES}. ` +
        `Names are labels; put content into the data.`,
    );
  }
}

/** The event name, or a refusal. */
export function checkEvent(method: string, event: unknown): void {
  checkName(method, 'event', event);
}

/** Refuses options that are no object or hold a key that is not among `known`. */
export function checkOptions(call: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(
      `${call}: options must be an object such as { timeout: 5000 }, not ${show(options)}.`,
    );
  }
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) {
      throw new InvalidArgumentError(`${call}: unknown option '${option}'. Known: ${known.join(', ')}.`);
    }
  }
}

/** A time in ms, > 0; Infinity is one. `fallback` where it is undefined. */
export function readTime(call: string, option: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value > 0)) {
    throw new InvalidArgumentError(
      `${call}: ${option} must be a positive number of ms or Infinity, not ${show(value)}.`,
    );
  }
  return value;
}

/** A whole number of at least `least`; `fallback` where it is undefined. */
export function readCount(call: string, option: string, value: unknown, least: number, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(
      `${call}: ${option} must be a whole number of at least ${least}, not ${show(value)}.`,
    );
  }
  return value;
}

/** Refuses what is no function. */
export function checkFunction(call: string, what: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new InvalidArgumentError(`${call}: ${what} must be a function, not ${show(value)}.`);
  }
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  return inspected(value, { depth: 0, maxStringLength: 80 });
}
