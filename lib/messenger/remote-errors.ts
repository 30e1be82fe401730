import { decode, encode, type Encoded } from '../codec/codec.js';
import type { Address } from '../bus/bus.interface.js';
import { type SerializedError, RemoteError } from '../errors/errors.js';
import { isError, readError } from '../errors/read-error.js';

/** How errors are put on the wire. */
export interface ErrorEncoding {
  /** Largest payload in bytes. */
  readonly limit: number;
  /** Whether stacks travel; not in production, where they would tell paths to whoever sees an answer. */
  readonly stacks: boolean;
}

/** Room for what frames a message, in bytes. */
const OVERHEAD = 256;
/** Of an error too large even without its data, so many characters of the message are kept. */
const SHORT_MESSAGE = 1000;

/** Where the whole of an error's data cannot be sent, each property is tried by itself; of more than these none is. */
const MAX_TRIED = 1000;

/** What a handler threw, encoded; whatever it is, something can be sent. */
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
      // The next attempt sends less of it; the last one fits by construction.
    }
  }
  return encode(event, { name: 'Error', message: '' } satisfies SerializedError, Infinity);
}

/** The error that `encodeError` encoded, as the caller gets it. */
export function decodeError(payload: Encoded, slot: Address): RemoteError {
  return new RemoteError(decode(payload) as SerializedError, slot);
}

/** An error's own enumerable properties beside those that have a place of their own; whatever else was thrown, itself. */
function dataOf(thrown: unknown): { data?: unknown } {
  if (!isError(thrown)) return { data: thrown };
  try {
    // It comes from a worker behind this one: what its handler added is in `data` already.
    if (thrown instanceof RemoteError) return thrown.data === undefined ? {} : { data: thrown.data };
    const data = propertiesOf(thrown);
    return data === undefined ? {} : { data };
  } catch {
    // A proxy that does not tell its keys has none to send.
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
