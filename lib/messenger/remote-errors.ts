import { decode, encode, type Encoded } from '../codec/codec.js';
import type { Address } from '../bus/bus.interface.js';
import { type SerializedError, RemoteError } from '../errors/errors.js';
import { isError, readError } from '../errors/read-error.js';

/** How errors are encoded. */
export interface ErrorEncoding {
  /** Largest payload in bytes. */
  readonly limit: number;
  /** Whether stacks are sent. Not in production, where they would reveal paths to anyone who sees an answer. */
  readonly stacks: boolean;
}

/** Bytes reserved for the frame around a message. */
const OVERHEAD = 256;
/** How many characters of the message are kept if an error is too large even without its data. */
const SHORT_MESSAGE = 1000;

/** If the data cannot be sent as a whole, each property is tried by itself, unless there are more than this many. */
const MAX_TRIED = 1000;

/** Encodes what a handler threw. Never throws: whatever the value is, something can be sent. */
export function encodeError(event: string, thrown: unknown, { limit, stacks }: ErrorEncoding): Uint8Array {
  const { stack, ...account } = readError(thrown);
  const error: SerializedError = {
    ...account,
    ...dataOf(thrown),
    ...(stacks && stack !== undefined ? { stack } : {}),
  };
  for (const attempt of [() => error, () => cloneableOnly(event, error, limit), () => withoutData(error, limit)]) {
    try {
      return encode(event, attempt(), limit);
    } catch {
      // The next attempt sends less; the last one always fits.
    }
  }
  return encode(event, { name: 'Error', message: '' } satisfies SerializedError, Infinity);
}

/** Decodes an error of `encodeError` into the error that the caller gets. */
export function decodeError(payload: Encoded, slot: Address): RemoteError {
  return new RemoteError(decode(payload) as SerializedError, slot);
}

/**
 * The own enumerable properties of an error, except name, message, stack and code. A value that is no error is its own
 * data.
 */
function dataOf(thrown: unknown): { data?: unknown } {
  if (!isError(thrown)) return { data: thrown };
  try {
    // The error came to this worker from another one, and `data` already holds the properties of the original.
    if (thrown instanceof RemoteError) return thrown.data === undefined ? {} : { data: thrown.data };
    const data = propertiesOf(thrown);
    return data === undefined ? {} : { data };
  } catch {
    // A proxy that does not reveal its keys has no data to send.
    return {};
  }
}

function propertiesOf(error: Error): Record<string, unknown> | undefined {
  const data: Record<string, unknown> = {};
  for (const key of Object.keys(error)) {
    if (key === 'name' || key === 'message' || key === 'stack' || key === 'code') continue;
    try {
      data[key] = (error as unknown as Record<string, unknown>)[key];
    } catch {
      // A getter that throws has no value to send.
    }
  }
  return Object.keys(data).length > 0 ? data : undefined;
}

function cloneableOnly(event: string, error: SerializedError, limit: number): SerializedError {
  const { data, ...rest } = error;
  if (typeof data !== 'object' || data === null) return rest;
  const properties = Object.entries(data);
  if (properties.length > MAX_TRIED) return rest;
  const kept = properties.filter(([, value]) => {
    try {
      encode(event, value, limit);
      return true;
    } catch {
      return false;
    }
  });
  return { ...rest, data: Object.fromEntries(kept) };
}

function withoutData({ name, message, code }: SerializedError, limit: number): SerializedError {
  // A character is at most three bytes; the code and name of a reasonable error are short.
  const length = Math.max(0, Math.min(SHORT_MESSAGE, Math.floor((limit - OVERHEAD) / 3)));
  const short = message.length > length ? `${message.slice(0, length)}…` : message;
  return {
    name: name.slice(0, 80),
    message: short,
    ...(typeof code === 'number' ? { code } : { code: code?.slice(0, 80) }),
  };
}
