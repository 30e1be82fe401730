import type { Claim } from '../bus/bus.interface.js';
import { decode, encode } from '../codec/codec.js';
import { checkFunction, checkName, checkOptions, readTime } from './arguments.js';
import type { BusConnection } from './bus-connection.js';
import { Deadline } from './deadline.js';
import { timedOut, valueOf } from './outcome.js';
import { type ErrorEncoding, encodeError } from './remote-errors.js';

/** @publicApi */
export interface RunOnceOptions {
  /** How long a result counts, in ms; after that, the next call runs the function again. Default Infinity. */
  readonly ttl?: number;
  /**
   * How long to wait for the result, in ms. Default Infinity: awaited at boot, the option `startup.timeout`
   * bounds it.
   */
  readonly timeout?: number;
}

/** What the one run of a `runOnce` may know of itself. @publicApi */
export interface OnceRun {
  /**
   * Fencing token: higher than that of every earlier run of the key. Give it to what the run writes to, and let that
   * refuse lower ones, where a run that was stopped for long and goes on must not harm the one that took over.
   */
  readonly token: number;
}

/** Runs `fn` if nobody in the cluster has or does, else waits for what came of it there. */
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
  const claim = await connection.call<Claim>(label, deadline, (part) => connection.bus.claim(key, ttl, part), expired);
  if (!claim.granted) return valueOf(claim.answer, call, 'the cluster');
  // Past the deadline the run goes on: others may wait for it.
  return deadline.bound((part) => part.follow(run(connection, errors, key, () => fn({ token: claim.term }))), expired);
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
  // The clone that everybody else gets, so that no bug depends on who ran it.
  return decode(payload);
}
