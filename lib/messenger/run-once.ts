import type { Claim } from '../bus/bus.interface.js';
import { decode, encode } from '../codec/codec.js';
import { checkFunction, checkName, checkOptions, readTime } from './arguments.js';
import type { BusConnection } from './bus-connection.js';
import { Deadline } from './deadline.js';
import { timedOut, valueOf } from './outcome.js';
import { type ErrorEncoding, encodeError } from './remote-errors.js';

/** @publicApi */
export interface RunOnceOptions {
  /** How long a result is kept, in ms; after that, the next call runs the function again. Default Infinity. */
  readonly ttl?: number;
  /**
   * How long to wait for the result, in ms. Default Infinity: for a call that is awaited at boot, the option
   * `startup.timeout` sets the limit.
   */
  readonly timeout?: number;
}

/** What the function of a `runOnce` is told about its run. @publicApi */
export interface OnceRun {
  /**
   * Fencing token: higher than that of any earlier run of the key. Pass it to the store that the run writes to, and let
   * the store refuse lower tokens. Then a run that froze and goes on later cannot harm the run that took over.
   */
  readonly token: number;
}

/** Runs `fn` unless another process has run it or is running it; otherwise waits for that result. */
export async function runOnce(
  connection: BusConnection,
  errors: ErrorEncoding,
  key: string,
  fn: (run: OnceRun) => unknown,
  options: RunOnceOptions | undefined,
): Promise<unknown> {
  checkName('runOnce', 'key', key);
  const label = `runOnce('${key}')`;
  checkFunction(label, 'the second argument', fn);
  checkOptions(label, options, ['ttl', 'timeout']);
  const ttl = readTime(label, 'ttl', options?.ttl, Infinity);
  const timeout = readTime(label, 'timeout', options?.timeout, Infinity);

  const call = { label, event: key, timeout };
  const deadline = new Deadline(timeout);
  const expired = () => timedOut(call, 'its one run has not ended');
  const claim = await connection.call<Claim>(
    label,
    deadline,
    (pending) => connection.bus.claim(key, ttl, pending),
    expired,
  );
  if (!claim.granted) return valueOf(claim.answer, call, 'the cluster');
  // The run continues past the deadline: other callers may wait for it.
  return deadline.bound(
    (pending) => pending.follow(run(connection, errors, key, () => fn({ token: claim.term }))),
    expired,
  );
}

async function run(connection: BusConnection, errors: ErrorEncoding, key: string, fn: () => unknown): Promise<unknown> {
  let payload: Uint8Array;
  try {
    payload = encode(key, await fn(), errors.limit);
  } catch (error) {
    connection.bus.conclude(key, 'error', encodeError(key, error, errors));
    throw error;
  }
  connection.bus.conclude(key, 'ok', payload);
  // All callers get a clone, so that no bug depends on which process ran it.
  return decode(payload);
}
