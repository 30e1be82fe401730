import { InvalidArgumentError } from '../errors/errors.js';
import { inspected } from '../errors/read-error.js';

/** Longest event name, id or key, in UTF-8 bytes: they are sent in a frame's header. */
const MAX_NAME_BYTES = 1024;

/** Refuses an event name, id or key that is not a non-empty string of reasonable length. */
export function checkName(call: string, what: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidArgumentError(`${call}: ${what} must be a non-empty string, not ${show(value)}.`);
  }
  // UTF-8 takes at most three bytes per unit of a string's length, so most names need no exact count.
  if (value.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(value) > MAX_NAME_BYTES) {
    throw new InvalidArgumentError(
      `${call}: ${what} is ${Buffer.byteLength(value)} bytes long, over the limit of ${MAX_NAME_BYTES}. ` +
        `Names are labels; put content into the data.`,
    );
  }
}

/** Refuses an invalid event name. @throws InvalidArgumentError */
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

/** Reads a time in ms: above 0, may be Infinity. `fallback` if `value` is undefined. */
export function readTime(call: string, option: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value > 0)) {
    throw new InvalidArgumentError(
      `${call}: ${option} must be a positive number of ms or Infinity, not ${show(value)}.`,
    );
  }
  return value;
}

/** Reads a whole number of at least `least`. `fallback` if `value` is undefined. */
export function readCount(call: string, option: string, value: unknown, least: number, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(
      `${call}: ${option} must be a whole number of at least ${least}, not ${show(value)}.`,
    );
  }
  return value;
}

/** Refuses a value that is not a function. */
export function checkFunction(call: string, what: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new InvalidArgumentError(`${call}: ${what} must be a function, not ${show(value)}.`);
  }
}

/** Formats a value for an error message. */
export function show(value: unknown): string {
  return inspected(value, { depth: 0, maxStringLength: 80 });
}
