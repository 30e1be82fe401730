import type {
  Address,
  Answer,
  Bus,
  BusReceiver,
  Claim,
  Member,
  Outcome,
  Request,
  ServedEvent,
  Task,
  TaskRequest,
  Waiter,
} from '../../../lib/bus/bus.interface.js';
import { requestEach } from '../../../lib/bus/calls/request-each.js';
import { decode, encode } from '../../../lib/codec/codec.js';
import { HandlerRegistry } from '../../../lib/handlers/handler-registry.js';
import { type MessengerSettings, MessengerService } from '../../../lib/services/messenger.service.js';
import { BusConnection } from '../../../lib/messenger/bus-connection.js';
import { Dispatcher } from '../../../lib/messenger/dispatcher.js';

/** A call that the test settles. */
export interface Pending<Result = Answer> {
  readonly event: string;
  readonly waiter: Waiter<Result>;
  readonly to?: number;
  readonly task?: TaskRequest;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** A bus under the test's hand: it records what it is asked and answers when the test says so. */
export class FakeBus implements Bus {
  self: { id: number; address: Address; generation: number } = { id: 1, address: 0, generation: 1 };
  maxPayload = 1_000_000;
  members: Member[] = [];
  slots = 8;
  receiver!: BusReceiver;
  readonly drained = new Promise<void>(() => undefined);
  /** What was handed over, in order, e.g. `publish e` or `request 2 e`. */
  readonly log: string[] = [];
  readonly pending: Pending[] = [];
  readonly claims: Pending<Claim>[] = [];
  readonly replies: { outcome: Outcome; payload: Uint8Array }[] = [];
  readonly concluded: { key: string; outcome: Outcome; payload: Uint8Array }[] = [];
  /** What was said of each task, by its number. */
  readonly progresses: [task: number, value: unknown][] = [];
  readonly served: string[][] = [];
  private resolveOpen!: () => void;
  private rejectOpen!: (error: Error) => void;
  private readonly opening = new Promise<void>((resolve, reject) => {
    this.resolveOpen = resolve;
    this.rejectOpen = reject;
  });

  finishOpening(error?: Error): void {
    if (error === undefined) this.resolveOpen();
    else this.rejectOpen(error);
  }

  /** The ready workers, given as [id, slot]. */
  setMembers(...members: [id: number, slot: number][]): void {
    this.members = members.map(([id, slot]) => ({ id, slot, generation: 1, pid: id, state: 'ready', suspect: false }));
    this.receiver.onMembers(this.members);
  }

  open(receiver: BusReceiver): Promise<void> {
    this.receiver = receiver;
    return this.opening;
  }

  serve(events: readonly ServedEvent[]): void {
    this.served.push(events.map(({ event }) => event));
  }

  publish(event: string): Promise<void> {
    this.log.push(`publish ${event}`);
    return Promise.resolve();
  }

  request(to: number, event: string, _payload: Uint8Array, _deadline: number, waiter: Waiter<Answer>): void {
    this.log.push(`request ${to} ${event}`);
    this.wait(this.pending, { event, waiter, to });
  }

  requestEach(
    to: readonly number[],
    event: string,
    payload: Uint8Array,
    deadline: number,
    waiters: readonly Waiter<Answer>[],
  ): void {
    requestEach(this, to, event, payload, deadline, waiters);
  }

  reply(_request: Request, outcome: Outcome, payload: Uint8Array): void {
    this.replies.push({ outcome, payload });
  }

  enqueue(task: TaskRequest, waiter: Waiter<Answer>): void {
    this.log.push(`enqueue ${task.event}`);
    this.wait(this.pending, { event: task.event, waiter, task });
  }

  /** What becomes of the progress that is said from now on. */
  progressFails: Error | undefined;

  progress({ id }: Task, payload: Uint8Array): Promise<void> {
    if (this.progressFails !== undefined) return Promise.reject(this.progressFails);
    this.progresses.push([id, decode(payload)]);
    return Promise.resolve();
  }

  settle(_task: Task, outcome: Outcome, payload: Uint8Array): void {
    this.replies.push({ outcome, payload });
  }

  claim(key: string, _ttl: number, waiter: Waiter<Claim>): void {
    this.wait(this.claims, { event: key, waiter });
  }

  conclude(key: string, outcome: 'ok' | 'error', payload: Uint8Array): void {
    this.concluded.push({ key, outcome, payload });
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.log.push('close');
    return Promise.resolve();
  }

  private wait<Result>(
    list: Pending<Result>[],
    call: {
      readonly event: string;
      readonly waiter: Waiter<Result>;
      readonly to?: number;
      readonly task?: TaskRequest;
    },
  ): void {
    const { waiter } = call;
    list.push({
      ...call,
      resolve: (result) => waiter.resolve(result),
      reject: (error) => waiter.reject(error),
    });
  }
}

export const ok = (value: unknown, slot: Address = 0): Answer => ({
  outcome: 'ok',
  payload: encode('', value, Infinity),
  slot,
});

/** A messenger on a fake bus. */
export function messengerOn(bus: FakeBus, settings: Partial<MessengerSettings> = {}) {
  const registry = new HandlerRegistry();
  const options = { timeout: 30_000, maxPayload: 1_000, stacks: true, ...settings };
  const dispatcher = new Dispatcher(bus, registry, options);
  const connection = new BusConnection(bus, registry, dispatcher);
  const messenger = new MessengerService(connection, options);
  return { registry, dispatcher, connection, messenger };
}

/** The same, opened, with the given ready workers. */
export async function openMessenger(members: [id: number, slot: number][], settings: Partial<MessengerSettings> = {}) {
  const bus = new FakeBus();
  const parts = messengerOn(bus, settings);
  const opened = parts.connection.open();
  bus.setMembers(...members);
  bus.finishOpening();
  await opened;
  return { bus, ...parts };
}

/** Lets every promise that can settle do so. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
