import { BackpressureError } from '../../errors/errors.js';
import { type Clock, hostTime, type Timer } from '../../platform/clock.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';
import type { Address, Answer, MemberId, TaskRequest, Waiter } from '../../bus/bus.interface.js';
import type { Engine, Store } from '../../bus/engine.interface.js';
import { untilDone } from '../retry.js';
import { taskRecord } from '../shapes.js';
import { NO_RESULT, packTask, queueOf, resultSubject, type ResultHeader, sharedId } from './task-message.js';
import type { Reader } from '../envelope.js';
import type { WireClock } from '../wire-time.js';

/**
 * The message of a result may be lost with a connection. So the result is also looked up in the store, the first time
 * after `FIRST_LOOK` ms, then at doubling intervals of up to `LONGEST_LOOK` ms.
 */
const FIRST_LOOK = 2_000;
const LONGEST_LOOK = 30_000;

/** Subscribes to results. Returns a function that unsubscribes. */
export type ResultListening = (
  subject: string,
  take: (header: ResultHeader, payload: Uint8Array) => void,
) => () => void;

/** A call that waits for its task. */
class Call {
  id = '';
  incarnation = 1;
  isOver = false;
  look: Timer | undefined;
  unsubscribe: () => void = () => undefined;

  constructor(
    readonly task: TaskRequest,
    readonly waiter: Waiter<Answer>,
  ) {}
}

/**
 * The caller's side of tasks: puts each task into its queue once, and waits for the result from the member that ran it.
 */
export class TaskCaller {
  private readonly byTask = new Map<string, Set<Call>>();
  private count = 0;
  private readonly delayed: ThrottledWarning;

  constructor(
    private readonly engine: Engine,
    private readonly results: Store,
    private readonly self: { readonly address: Address; readonly id: MemberId; readonly times: WireClock },
    private readonly clock: Clock,
    /** Tells the member that runs the task that its caller has given it up. */
    private readonly abandon: (task: string) => void,
    private readonly listen: ResultListening,
    private readonly reader: Reader,
    /**
     * Tells members that tasks of the event wait: an earlier answer may be lost, or some members may have come later.
     */
    private readonly remind: (event: string) => void,
    warn: (message: string) => void,
  ) {
    this.delayed = new ThrottledWarning(
      warn,
      hostTime,
      (count, reason) =>
        `${count} time(s) ${engine.name} did not say that it took a task, the last: ${reason}. It is tried again, by the ` +
        `same id, until the call's deadline.`,
    );
  }

  call(task: TaskRequest, waiter: Waiter<Answer>): void {
    const call = new Call(task, waiter);
    waiter.cancel = () => this.cancel(call);
    this.begin(call);
  }

  /** A member says how a task ended. */
  settled(header: ResultHeader, payload: Uint8Array): void {
    for (const call of this.byTask.get(header.task) ?? []) this.onResult(call, header, payload);
  }

  progressed(task: string, payload: Uint8Array): void {
    for (const call of this.byTask.get(task) ?? []) call.task.onProgress?.(payload);
  }

  /** The connection is back: results may have been sent in the meantime, so they are looked up. */
  reconnected(): void {
    for (const calls of this.byTask.values())
      for (const call of calls) this.lookAfter(call, Math.random() * FIRST_LOOK);
  }

  close(error: () => Error): void {
    for (const calls of this.byTask.values()) {
      for (const call of calls) {
        this.forget(call);
        call.waiter.reject(error());
      }
    }
  }

  private begin(call: Call): void {
    const { event, key } = call.task;
    call.id = key === undefined ? `t${this.self.id}-${(this.count += 1)}` : sharedId(event, key, call.incarnation);
    const calls = this.byTask.get(call.id);
    if (calls === undefined) this.byTask.set(call.id, new Set([call]));
    else calls.add(call);
    void this.send(call, call.id);
  }

  private async send(call: Call, id: string): Promise<void> {
    const isOver = () => call.isOver || call.id !== id;
    const message = packTask(id, call.task, this.self);
    const queue = queueOf(call.task.event);
    const isNew = await untilDone(
      this.clock,
      isOver,
      () => this.engine.enqueue(queue, id, message),
      (error) => this.notTaken(call, error),
    );
    if (isOver()) {
      // The call was given up while its task was on its way.
      if (call.task.key === undefined) void this.withdraw(call, id);
      return;
    }
    if (call.task.key === undefined) return this.lookAfter(call, FIRST_LOOK);
    if (isNew === false) await this.join(call, id);
    // The queue forgets an id earlier than the store forgets its result: the result of an earlier task may be there.
    await this.lookUp(call, id, true);
  }

  private notTaken(call: Call, error: Error): void {
    if (!(error instanceof BackpressureError)) return this.delayed.due(error.message);
    this.forget(call);
    call.waiter.reject(new BackpressureError(`'${call.task.event}' was not queued: ${error.message}`));
  }

  /** Another call has queued the task, and it may have ended already. Its result is published for all that share it. */
  private async join(call: Call, id: string): Promise<void> {
    call.unsubscribe = this.listen(resultSubject(id), (header, payload) => this.onResult(call, header, payload));
    await this.engine.flush().catch(() => undefined);
  }

  private onResult(call: Call, { task, outcome, slot }: ResultHeader, payload: Uint8Array): void {
    if (call.isOver || call.id !== task) return;
    // The task expired by its first caller's deadline; this call still has time.
    if (outcome === 'expired' && call.task.key !== undefined && call.task.deadline > hostTime())
      return this.again(call);
    this.forget(call);
    call.waiter.resolve({ outcome, payload, slot });
  }

  /** A task of the same key came to no result: starts another one. */
  private again(call: Call): void {
    this.detach(call);
    call.incarnation += 1;
    this.begin(call);
  }

  private async lookUp(call: Call, id: string, isFirst: boolean, delay = FIRST_LOOK): Promise<void> {
    const isOver = () => call.isOver || call.id !== id;
    const record = await this.results.get(id).catch(() => undefined);
    if (isOver()) return;
    if (!isFirst) this.remind(call.task.event);
    // A record that cannot be read is written anew by the member that runs the task.
    const found = record && this.reader.read(record.value, taskRecord);
    if (found === undefined) return this.lookAfter(call, delay);
    const { header, payload } = found;
    if ('begun' in header) return this.lookAfter(call, delay);
    if (isFirst && NO_RESULT.has(header.outcome)) return this.again(call);
    this.onResult(call, header, payload);
  }

  private lookAfter(call: Call, delay: number): void {
    call.look?.cancel();
    const { id } = call;
    const next = Math.min(Math.max(delay, FIRST_LOOK) * 2, LONGEST_LOOK);
    call.look = this.clock.after(delay, () => void this.lookUp(call, id, false, next), false);
  }

  /** A task that other calls may share goes on. A task of this call alone is withdrawn, whether it waits or runs. */
  private cancel(call: Call): void {
    const { id } = call;
    this.forget(call);
    if (call.task.key !== undefined) return;
    if (call.task.deadline > hostTime()) this.abandon(id);
    void this.withdraw(call, id);
  }

  /** Tried once: a task that stays in its queue is settled as expired by the member that gets it after its deadline. */
  private async withdraw({ task }: Call, id: string): Promise<void> {
    await this.engine.withdraw(queueOf(task.event), id).catch(() => undefined);
  }

  private forget(call: Call): void {
    call.isOver = true;
    this.detach(call);
  }

  private detach(call: Call): void {
    call.look?.cancel();
    call.unsubscribe();
    call.unsubscribe = () => undefined;
    const calls = this.byTask.get(call.id);
    calls?.delete(call);
    if (calls?.size === 0) this.byTask.delete(call.id);
  }
}
