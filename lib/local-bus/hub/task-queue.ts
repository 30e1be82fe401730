import type { Outcome } from '../../bus/bus.interface.js';
import type { FlowControl } from './flow-control.js';
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
  wantsProgress,
} from '../wire/frame.js';
import { type Caller, type CallOf, QueuedTask } from './queued-task.js';
import type { MemberTable } from './member-table.js';
import type { HubMember } from './hub-member.js';
import type { ResultCache } from './result-cache.js';
import { NumberTable } from '../../platform/number-table.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';

type Task = QueuedTask<HubMember>;

/** Tasks kept for a possible redelivery, including running ones, may take this multiple of the queue limit. */
const KEPT_FACTOR = 8;

/** The approximate cost of a task besides its frame, in bytes. */
const TASK_OVERHEAD = 512;

/** The approximate cost of another caller of the same task, in bytes. */
const CALLER_OVERHEAD = 128;

/** Where a task could go now. */
type Pick = HubMember | 'wait' | 'nowhere' | 'never';

/** Tasks: one worker runs each, another one takes over if it dies, and the callers get the result. */
export class TaskQueue {
  private readonly tasks = new NumberTable<Task>();
  private readonly byKey = new Map<string, Task>();
  /** The tasks that no worker can take now, by event, in order. */
  private readonly waiting = new Map<string, Set<Task>>();
  private waitingBytes = 0;
  private keptBytes = 0;
  private lastId = 0;
  /** Advances with every task, so that equally busy workers take turns. */
  private turn = 0;
  private readonly droppedProgress: ThrottledWarning;

  constructor(
    private readonly limit: number,
    private readonly memberTable: MemberTable,
    private readonly flowControl: FlowControl,
    private readonly results: ResultCache,
    private readonly warn: (message: string) => void,
    private readonly now: () => number,
  ) {
    this.droppedProgress = new ThrottledWarning(
      warn,
      now,
      (count, who) => `${count} value(s) of a task's progress were dropped for ${who}: it does not keep up.`,
    );
  }

  enqueue(from: HubMember, frame: Frame): void {
    const caller: Caller<HubMember> = { member: from, call: idOf(frame), wantsProgress: wantsProgress(frame) };
    const event = eventOf(frame);
    const ownKey = keyOf(frame);
    const key = ownKey === '' ? undefined : JSON.stringify([event, ownKey]);
    if (key !== undefined && this.joinExisting(key, caller, deadlineOf(frame))) return;
    const pick = this.pick(event);
    if (!this.hasRoom(pick, frame.length)) return this.flowControl.overflow(from, caller.call);
    const task = new QueuedTask<HubMember>(
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

  /** A worker reports how a task ended. */
  result(from: HubMember, frame: Frame): void {
    const task = this.tasks.get(idOf(frame));
    if (task === undefined || task.runner !== from) return;
    from.release(task);
    task.runner = undefined;
    this.end(from, task, frame);
    // There is room for another task now. A task whose deadline has passed does not use that room, so go on with the
    // next.
    while (this.waiting.size > 0 && this.dispatchNext(task.event));
  }

  /** A worker reports the progress of a task. */
  progress(from: HubMember, frame: Frame): void {
    const task = this.tasks.get(idOf(frame));
    if (task === undefined || task.runner !== from) return;
    for (const { member, call, wantsProgress } of task.callers) {
      if (!wantsProgress) continue;
      if (!this.flowControl.hasRoom(member)) {
        this.droppedProgress.due(member.name);
        continue;
      }
      const copy = copyOf(frame);
      setId(copy, call);
      setTarget(copy, member.id);
      this.flowControl.offer(member, copy);
    }
  }

  /** Decides what happens to a task that has run: it is settled, or runs again. */
  private end(from: HubMember, task: Task, frame: Frame): void {
    switch (outcomeOf(frame)) {
      case 'error':
        // The handler may have failed only because nobody waited any more; a caller with a later deadline may have
        // joined since.
        if (this.isLate(task) && task.deadline > deadlineOf(task.frame)) return this.dispatch(task);
        if (--task.attempts > 0) return this.dispatch(task);
        break;
      case 'no-handler':
        // The worker does not serve the event any more, and this is the first report of it.
        from.serves?.delete(task.event);
        task.attempt--;
        return this.dispatch(task);
      case 'expired':
        // A caller with a later deadline may have joined since.
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

  /** A caller stops waiting. The task goes on for the other callers; without any, it is given up. */
  cancel(from: HubMember, call: number): void {
    const task = from.calls.get(call);
    if (task === undefined) return;
    this.leave(task, from, call);
    if (task.callers.length > 0) return;
    if (task.runner === undefined) this.remove(task);
    // At the deadline, the worker aborts the task by itself.
    else if (task.deadline > this.now()) this.abandon(task, task.runner);
  }

  /** Workers may have room now: dispatches waiting tasks, one per event in turn, so that no event waits for another. */
  dispatchWaiting(): void {
    for (let events = [...this.waiting.keys()]; events.length > 0;) {
      events = events.filter((event) => this.dispatchNext(event));
    }
  }

  /**
   * A worker is gone: other workers run the tasks that it was running. The tasks that it requested go on without it.
   */
  lost(member: HubMember): void {
    for (const [call, task] of member.calls.entries()) this.leave(task, member, call);
    let again = 0;
    for (const [, task] of member.running.entries()) {
      member.release(task);
      task.runner = undefined;
      if (task.redeliveries-- > 0) {
        if (task.deadline > this.now()) again++;
        this.dispatch(task);
      } else {
        this.settleWithout(task, 'lost', member);
      }
    }
    if (again > 0) this.warn(`${again} task(s) that ${member.name} was running when it went away run again elsewhere.`);
  }

  /** Joins an execution that is running, or answers with the result of one that has ended. False if there is none. */
  private joinExisting(key: string, caller: Caller<HubMember>, deadline: number): boolean {
    const task = this.byKey.get(key);
    if (task !== undefined) {
      if (this.keptBytes + CALLER_OVERHEAD > this.limit * KEPT_FACTOR)
        this.flowControl.overflow(caller.member, caller.call);
      else this.join(task, caller);
      task.deadline = Math.max(task.deadline, deadline);
      return true;
    }
    const result = this.results.get(key);
    if (result === undefined) return false;
    this.send(caller, copyOf(result));
    return true;
  }

  /** Nobody wants this result any more. A later call with the same key starts a new execution. */
  private abandon(task: Task, runner: HubMember): void {
    task.abandon();
    this.forgetKey(task);
    this.flowControl.sendOwn(runner, newHubFrame(Kind.ABANDONED, task.id));
  }

  private hasRoom(pick: Pick, bytes: number): boolean {
    if (pick === 'nowhere' || pick === 'never') return true;
    if (pick === 'wait' && this.waitingBytes + bytes > this.limit) this.dropExpired();
    if (pick === 'wait' && this.waitingBytes > 0 && this.waitingBytes + bytes > this.limit) return false;
    return this.keptBytes + bytes <= this.limit * KEPT_FACTOR || this.tasks.size === 0;
  }

  private dropExpired(): void {
    for (const tasks of this.waiting.values()) {
      for (const task of tasks) if (task.deadline <= this.now()) this.settleWithout(task, 'expired');
    }
  }

  /** Dispatches the event's oldest waiting task. False if it cannot be placed, or if none waits. */
  private dispatchNext(event: string): boolean {
    const [task] = this.waiting.get(event) ?? [];
    if (task === undefined) return false;
    this.dispatch(task);
    return !this.isWaiting(task);
  }

  private dispatch(task: Task): void {
    this.place(task, this.pick(task.event));
  }

  private place(task: Task, pick: Pick): void {
    if (task.deadline <= this.now()) return this.settleWithout(task, 'expired');
    if (pick === 'nowhere') return this.settleWithout(task, 'no-handler');
    if (pick === 'never') return this.settleWithout(task, 'stopping');
    if (pick === 'wait') return this.wait(task);
    this.unwait(task);
    task.attempt++;
    task.runner = pick;
    pick.run(task);
    setId(task.frame, task.id);
    setAttempt(task.frame, task.attempt);
    setDeadline(task.frame, task.deadline);
    setTarget(task.frame, pick.id);
    this.flowControl.offer(pick, task.frame);
  }

  /**
   * The least busy worker that serves the event and has room. 'nowhere' only if every ready worker is known not to
   * serve the event: a worker's list of events travels another way, and may arrive after the news that it is ready.
   */
  private pick(event: string): Pick {
    const { workers, slots } = this.memberTable;
    if (workers.length === 0 && slots === 0) return 'never';
    let best: HubMember | undefined;
    let nobodyServes = workers.length > 0;
    for (let i = 0; i < workers.length; i++) {
      const member = workers[(this.turn + i) % workers.length]!;
      const served = member.serves?.get(event);
      if (served === undefined && member.serves !== undefined) continue;
      nobodyServes = false;
      if (served === undefined || served.running >= served.concurrency || !member.takesTasks) continue;
      if (best === undefined || member.running.size < best.running.size) best = member;
    }
    this.turn = (this.turn + 1) >>> 0;
    return best ?? (nobodyServes ? 'nowhere' : 'wait');
  }

  private isWaiting(task: Task): boolean {
    return this.waiting.get(task.event)?.has(task) ?? false;
  }

  private wait(task: Task): void {
    if (this.isWaiting(task)) return;
    const tasks = this.waiting.get(task.event);
    if (tasks === undefined) this.waiting.set(task.event, new Set([task]));
    else tasks.add(task);
    this.waitingBytes += cost(task);
  }

  private unwait(task: Task): void {
    const tasks = this.waiting.get(task.event);
    if (!tasks?.delete(task)) return;
    if (tasks.size === 0) this.waiting.delete(task.event);
    this.waitingBytes -= cost(task);
  }

  private add(task: Task, caller: Caller<HubMember>): void {
    this.tasks.set(task.id, task);
    if (task.key !== undefined) this.byKey.set(task.key, task);
    this.keptBytes += cost(task);
    this.join(task, caller);
  }

  private remove(task: Task): void {
    this.unwait(task);
    this.tasks.take(task.id);
    this.forgetKey(task);
    this.keptBytes -= cost(task);
  }

  /** Frees the task's key, unless another task uses it by now. */
  private forgetKey(task: Task): void {
    if (task.key !== undefined && this.byKey.get(task.key) === task) this.byKey.delete(task.key);
  }

  private join(task: Task, caller: Caller<HubMember>): void {
    task.callers.push(caller);
    this.keptBytes += CALLER_OVERHEAD;
    caller.member.calls.set(caller.call, task);
  }

  private leave(task: Task, member: HubMember, call: number): void {
    member.calls.take(call);
    const at = task.callers.findIndex((caller) => caller.member === member && caller.call === call);
    if (at < 0) return;
    task.callers.splice(at, 1);
    this.keptBytes -= CALLER_OVERHEAD;
  }

  /** Settles a task with an outcome of the hub itself; `by` is the worker that it concerns. */
  private settleWithout(task: Task, outcome: Outcome, by?: HubMember): void {
    const frame = newHubFrame(Kind.RESULT);
    setOutcome(frame, outcome);
    by?.stamp(frame);
    this.settle(task, frame);
  }

  private settle(task: Task, frame: Frame): void {
    this.remove(task);
    const outcome = outcomeOf(frame);
    const isResult = outcome === 'ok' || (outcome === 'error' && !this.isLate(task));
    if (task.key !== undefined && isResult && !task.isAbandoned) this.results.keep(task.key, frame);
    const { callers } = task;
    this.keptBytes -= callers.length * CALLER_OVERHEAD;
    for (const { member, call } of callers) member.calls.take(call);
    const last = callers.length - 1;
    for (let i = 0; i <= last; i++) this.send(callers[i]!, i === last ? frame : copyOf(frame));
  }

  /** Whether nobody waits any more for the run that was started last. */
  private isLate(task: Task): boolean {
    return deadlineOf(task.frame) <= this.now();
  }

  private send({ member, call }: CallOf<HubMember>, result: Frame): void {
    setId(result, call);
    setTarget(result, member.id);
    if (!this.flowControl.offer(member, result)) this.flowControl.overflow(member, call);
  }

  private nextId(): number {
    do this.lastId = (this.lastId + 1) >>> 0;
    while (this.tasks.has(this.lastId));
    return this.lastId;
  }
}

const cost = (task: Task): number => task.frame.length + TASK_OVERHEAD;
