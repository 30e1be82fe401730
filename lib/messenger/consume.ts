import type { TaskRequest } from '../bus/bus.interface.js';
import { InvalidArgumentError } from '../errors/index.js';
import { checkName, checkOptions, readCount, readTime, show } from './arguments.js';
import type { Connection } from './connection.js';
import { Deadline } from './deadline.js';
import { noWorkerReady, timedOut, valueOf } from './outcome.js';

/** @publicApi */
export interface ConsumeOptions {
  /** How long to wait for the result, in ms; Infinity for ever. Default: `messenger.timeout`. */
  readonly timeout?: number;
  /**
   * Makes duplicates one: calls with the same event and id share one execution and its result, whichever
   * worker they come from, while the task waits or runs and for a while after.
   */
  readonly id?: string;
  /** How often the handler may run in all if it throws. Default 1: its error is final. */
  readonly attempts?: number;
  /** How often another worker takes over after the one that ran the task died. Default 2. */
  readonly redeliveries?: number;
  /**
   * `'at-most-once'`: never delivered again, whatever happens. Default `'at-least-once'`: a worker's death
   * may mean that the handler runs twice.
   */
  readonly delivery?: 'at-least-once' | 'at-most-once';
}

type Policy = Pick<TaskRequest, 'key' | 'redeliveries' | 'attempts'> & { readonly timeout: number };

const OPTIONS = ['timeout', 'id', 'attempts', 'redeliveries', 'delivery'];
const DEFAULT_REDELIVERIES = 2;

/** The checked options of a `consume`, with the defaults filled in. */
export function readConsumeOptions(call: string, options: ConsumeOptions | undefined, timeout: number): Policy {
  checkOptions(call, options, OPTIONS);
  const { id, delivery = 'at-least-once' } = options ?? {};
  if (id !== undefined) checkName(call, 'id', id);
  if (delivery !== 'at-least-once' && delivery !== 'at-most-once') {
    throw new InvalidArgumentError(
      `${call}: delivery must be 'at-least-once' or 'at-most-once', not ${show(delivery)}.`,
    );
  }
  const once = delivery === 'at-most-once';
  const attempts = readCount(call, 'attempts', options?.attempts, 1, 1);
  const redeliveries = readCount(call, 'redeliveries', options?.redeliveries, 0, once ? 0 : DEFAULT_REDELIVERIES);
  if (once && (attempts > 1 || redeliveries > 0)) {
    const option = attempts > 1 ? `attempts: ${attempts}` : `redeliveries: ${redeliveries}`;
    throw new InvalidArgumentError(`${call}: delivery 'at-most-once' contradicts ${option}. Leave one of them out.`);
  }
  return { key: id, attempts, redeliveries, timeout: readTime(call, 'timeout', options?.timeout, timeout) };
}

/** Gives a task to the queue and waits for its result. */
export async function consume(
  connection: Connection,
  label: string,
  event: string,
  payload: Uint8Array,
  { timeout, ...policy }: Policy,
): Promise<unknown> {
  const call = { label, event, timeout };
  const deadline = new Deadline(timeout);
  const task: TaskRequest = { event, payload, deadline: deadline.at, ...policy };
  const answer = await connection.call(
    label,
    deadline,
    (signal) => {
      connection.serveNow();
      return connection.bus.enqueue(task, signal);
    },
    () => (connection.slots().length === 0 ? noWorkerReady(call) : timedOut(call, 'no result came in time')),
  );
  return valueOf(answer, call, 'any ready worker');
}
