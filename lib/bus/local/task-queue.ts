import type { Outcome } from '../bus.interface.js';
import type { Congestion } from './congestion.js';
import {
  attemptsOf,
  copyOf,
  deadlineOf,
  eventOf,
  type Frame,
  idOf,
  keyOf,
  Kind,
  newHubFrame,
  outcomeOf,
  redeliveriesOf,
  setAttempt,
  setDeadline,
  setId,
  setOutcome,
  setTarget,
  toKeep,
} from './frame.js';
import { type Caller, QueuedTask } from './queued-task.js';
import type { Roster } from './roster.js';
import type { Seat } from './seat.js';
import type { SettledResults } from './settled-results.js';

/** Tasks kept for a possible redelivery, running ones included, may take this many times the queue limit. */
const KEPT_FACTOR = 8;

/** What a task costs beside its frame, in bytes, roughly. */
const TASK_OVERHEAD = 512;

/** What another caller of the same task costs, in bytes, roughly. */
const CALLER_OVERHEAD = 128;

/** Where a task could go now. */
type Pick = Seat | 'wait' | 'nowhere' | 'never';

/** Tasks: each is run by one worker, by another if that one dies, and its result goes to whoever asked. */
export class TaskQueue {
  private readonly tasks = new Map<number, QueuedTask>();
  private readonly byKey = new Map<string, QueuedTask>();
  private readonly waiting = new Set<QueuedTask>();
  private waitingBytes = 0;
  private keptBytes = 0;
  private lastId = 0;
  /** Moves on with every task, so that equally busy workers take turns. */
  private turn = 0;

  constructor(
    private readonly limit: number,
    private readonly roster: Roster,
    private readonly congestion: Congestion,
    private readonly results: SettledResults,
    private readonly now: () => number,
  ) {}

  enqueue(from: Seat, frame: Frame): void {
    const caller: Caller = { seat: from, call: idOf(frame) };
    const event = eventOf(frame);
    const ownKey = keyOf(frame);
    const key = ownKey === '' ? undefined : JSON.stringify([event, ownKey]);
    if (key !== undefined && this.joins(key, caller, deadlineOf(frame))) return;
    const pick = this.pick(event);
    if (!this.hasRoom(pick, frame.length)) return this.refuse(caller);
    const task = new QueuedTask(
      this.nextId(),
      event,
      key,
      toKeep(frame),
      deadlineOf(frame),
      redeliveriesOf(frame),
      Math.max(1, attemptsOf(frame)),
    );
    this.add(task, caller);
    this.place(task, pick);
  }

  /** A worker says how a task ended. */
  result(from: Seat, frame: Frame): void {
    const task = this.tasks.get(idOf(frame));
    if (task === undefined || task.runner !== from) return;
    from.running.delete(task);
    task.runner = undefined;
    switch (outcomeOf(frame)) {
      case 'error':
        if (--task.attempts > 0) return this.dispatch(task);
        break;
      case 'no-handler':
        // It no longer serves the event, and said so first here.
        from.serves?.delete(task.event);
        task.attempt--;
        return this.dispatch(task);
      case 'expired':
        // Somebody with a later deadline may have joined since.
        task.attempt--;
        if (task.deadline > deadlineOf(task.frame)) return this.dispatch(task);
        break;
      case 'ok':
      case 'lost':
      case 'stopping':
        break;
    }
    this.settle(task, frame);
  }

  /** A caller waits no more. The task goes on for the others, and where it runs already. */
  cancel(from: Seat, call: number): boolean {
    const task = from.calls.get(call);
    if (task === undefined) return false;
    this.leave(task, from, call);
    if (task.callers.length === 0 && task.runner === undefined) this.remove(task);
    return true;
  }

  /** A worker can take tasks that it could not take before. */
  dispatchWaiting(): void {
    const stillNobody = new Set<string>();
    for (const task of this.waiting) {
      if (stillNobody.has(task.event)) continue;
      this.dispatch(task);
      if (this.waiting.has(task)) stillNobody.add(task.event);
    }
  }

  /** A worker is gone: others run what it was running. Its own calls go on without it. */
  lost(seat: Seat): void {
    for (const [call, task] of seat.calls) this.leave(task, seat, call);
    const orphans = [...seat.running];
    seat.running.clear();
    for (const task of orphans) {
      task.runner = undefined;
      if (task.redeliveries-- > 0) this.dispatch(task);
      else this.settleWithout(task, 'lost', seat);
    }
  }

  /** Shares an execution that is under way or is over. */
  private joins(key: string, caller: Caller, deadline: number): boolean {
    const task = this.byKey.get(key);
    if (task !== undefined) {
      if (this.keptBytes + CALLER_OVERHEAD > this.limit * KEPT_FACTOR) this.refuse(caller);
      else this.join(task, caller);
      task.deadline = Math.max(task.deadline, deadline);
      return true;
    }
    const result = this.results.get(key);
    if (result === undefined) return false;
    this.send(caller, copyOf(result));
    return true;
  }

  private refuse({ seat, call }: Caller): void {
    this.congestion.tell(seat, newHubFrame(Kind.OVERFLOW, call));
  }

  private hasRoom(pick: Pick, bytes: number): boolean {
    if (pick === 'nowhere' || pick === 'never') return true;
    if (pick === 'wait' && this.waitingBytes + bytes > this.limit) this.dropExpired();
    if (pick === 'wait' && this.waiting.size > 0 && this.waitingBytes + bytes > this.limit) return false;
    return this.keptBytes + bytes <= this.limit * KEPT_FACTOR || this.tasks.size === 0;
  }

  private dropExpired(): void {
    for (const task of this.waiting) {
      if (task.deadline <= this.now()) this.settleWithout(task, 'expired');
    }
  }

  private dispatch(task: QueuedTask): void {
    this.place(task, this.pick(task.event));
  }

  private place(task: QueuedTask, pick: Pick): void {
    if (task.deadline <= this.now()) return this.settleWithout(task, 'expired');
    if (pick === 'nowhere') return this.settleWithout(task, 'no-handler');
    if (pick === 'never') return this.settleWithout(task, 'stopping');
    if (pick === 'wait') return this.wait(task);
    this.unwait(task);
    task.attempt++;
    task.runner = pick;
    pick.running.add(task);
    setId(task.frame, task.id);
    setAttempt(task.frame, task.attempt);
    setDeadline(task.frame, task.deadline);
    setTarget(task.frame, pick.id);
    this.congestion.offer(pick, task.frame);
  }

  /**
   * The least busy worker that serves the event. None where every ready worker is known not to serve it;
   * what a worker serves may arrive after the word that it is ready, which comes another way.
   */
  private pick(event: string): Pick {
    const { workers, slots } = this.roster;
    if (workers.length === 0 && slots === 0) return 'never';
    let best: Seat | undefined;
    let nobodyServes = workers.length > 0;
    for (let i = 0; i < workers.length; i++) {
      const seat = workers[(this.turn + i) % workers.length]!;
      if (seat.serves !== undefined && !seat.serves.has(event)) continue;
      nobodyServes = false;
      if (seat.serves === undefined || !seat.takesTasks) continue;
      if (best === undefined || seat.running.size < best.running.size) best = seat;
    }
    this.turn = (this.turn + 1) >>> 0;
    return best ?? (nobodyServes ? 'nowhere' : 'wait');
  }

  private wait(task: QueuedTask): void {
    if (this.waiting.has(task)) return;
    this.waiting.add(task);
    this.waitingBytes += cost(task);
  }

  private unwait(task: QueuedTask): void {
    if (this.waiting.delete(task)) this.waitingBytes -= cost(task);
  }

  private add(task: QueuedTask, caller: Caller): void {
    this.tasks.set(task.id, task);
    if (task.key !== undefined) this.byKey.set(task.key, task);
    this.keptBytes += cost(task);
    this.join(task, caller);
  }

  private remove(task: QueuedTask): void {
    this.unwait(task);
    this.tasks.delete(task.id);
    if (task.key !== undefined) this.byKey.delete(task.key);
    this.keptBytes -= cost(task);
  }

  private join(task: QueuedTask, caller: Caller): void {
    task.callers.push(caller);
    this.keptBytes += CALLER_OVERHEAD;
    caller.seat.calls.set(caller.call, task);
  }

  private leave(task: QueuedTask, seat: Seat, call: number): void {
    seat.calls.delete(call);
    const at = task.callers.findIndex((caller) => caller.seat === seat && caller.call === call);
    if (at < 0) return;
    task.callers.splice(at, 1);
    this.keptBytes -= CALLER_OVERHEAD;
  }

  /** Ends a task with a word of the hub's own; `by` is the worker it is about. */
  private settleWithout(task: QueuedTask, outcome: Outcome, by?: Seat): void {
    const frame = newHubFrame(Kind.RESULT);
    setOutcome(frame, outcome);
    by?.stamp(frame);
    this.settle(task, frame);
  }

  private settle(task: QueuedTask, frame: Frame): void {
    this.remove(task);
    const outcome = outcomeOf(frame);
    if (task.key !== undefined && (outcome === 'ok' || outcome === 'error')) this.results.keep(task.key, frame);
    const callers = task.callers.splice(0);
    this.keptBytes -= callers.length * CALLER_OVERHEAD;
    for (const { seat, call } of callers) seat.calls.delete(call);
    const last = callers.length - 1;
    callers.forEach((caller, i) => this.send(caller, i === last ? frame : copyOf(frame)));
  }

  private send({ seat, call }: Caller, result: Frame): void {
    setId(result, call);
    setTarget(result, seat.id);
    if (!this.congestion.offer(seat, result)) this.refuse({ seat, call });
  }

  private nextId(): number {
    do this.lastId = (this.lastId + 1) >>> 0;
    while (this.tasks.has(this.lastId));
    return this.lastId;
  }
}

const cost = (task: QueuedTask): number => task.frame.length + TASK_OVERHEAD;
