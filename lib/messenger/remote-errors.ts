import { inspect } from 'node:util';
import { decode, encode } from '../bus/codec.js';
import type { Address, Encoded } from '../bus/bus.interface.js';
import type { SerializedError } from '../errors/index.js';
import { RemoteError } from '../errors/index.js';

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

/** What a handler threw, encoded; whatever it is, something can be sent. */
export function encodeError(event: string, thrown: unknown, { limit, stacks }: ErrorEncoding): Uint8Array {
  const error = describe(thrown, stacks);
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

function describe(thrown: unknown, stacks: boolean): SerializedError {
  if (!(thrown instanceof Error)) {
    return { name: 'Error', message: typeof thrown === 'string' ? thrown : inspect(thrown), data: thrown };
  }
  const { code } = thrown as { code?: unknown };
  return {
    name: String(thrown.name),
    message: String(thrown.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...dataOf(thrown),
    ...(stacks && typeof thrown.stack === 'string' ? { stack: thrown.stack } : {}),
  };
}

/** An error's own enumerable properties beside those that have a place of their own. */
function dataOf(error: Error): { data?: unknown } {
  // It comes from a worker behind this one: what its handler added is in `data` already.
  if (error instanceof RemoteError) return error.data === undefined ? {} : { data: error.data };
  const data: Record<string, unknown> = {};
  for (const key of Object.keys(error)) {
    if (key === 'name' || key === 'message' || key === 'stack' || key === 'code') continue;
    try {
      data[key] = (error as unknown as Record<string, unknown>)[key];
    } catch {
      // A getter that throws has no value to send.
    }
  }
  return Object.keys(data).length > 0 ? { data } : {};
}

function cloneableOnly(event: string, error: SerializedError, limit: number): SerializedError {
  const { data, ...rest } = error;
  if (typeof data !== 'object' || data === null) return rest;
  const kept = Object.entries(data).filter(([, value]) => {
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
