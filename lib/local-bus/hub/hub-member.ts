import { NumberTable } from '../../platform/number-table.js';
import { PRIMARY_ID, type Address, type Member, type MemberId } from '../../bus/bus.interface.js';
import { type Frame, setSource, slotOf } from '../wire/frame.js';
import type { Link } from '../wire/link.js';
import type { QueuedTask } from './queued-task.js';

/** Who is attached to the hub: a worker's process. */
export type MemberProcess = Pick<Member, 'id' | 'slot' | 'generation' | 'pid'>;

/** An event that a member runs tasks of. */
interface Served {
  /** How many of them at a time. */
  readonly concurrency: number;
  /** How many of them now. */
  running: number;
}

/** A member as the hub sees it, with everything the hub remembers about it. */
export class HubMember {
  /** `attached`: may send and gets answers. `ready`: gets everything. `leaving`: gets answers only. `gone`: nothing. */
  state: 'attached' | 'ready' | 'leaving' | 'gone' = 'attached';
  suspect = false;
  /** Its queue is over the limit and the others were told. */
  congested = false;
  /** The events it runs tasks for; undefined until it said so. */
  serves: Map<string, Served> | undefined;
  /** The first of the changes that are on their way. */
  readonly toServe: [event: string, concurrency: number][] = [];
  /** The tasks it is running, by the queue's number. */
  readonly running = new NumberTable<QueuedTask<HubMember>>();
  /** The tasks it waits for, by its own number of the call. */
  readonly calls = new NumberTable<QueuedTask<HubMember>>();
  private readonly slotField: number;

  constructor(
    readonly id: MemberId,
    readonly address: Address,
    readonly generation: number,
    readonly pid: number,
    readonly link: Link,
  ) {
    this.slotField = slotOf(address);
  }

  get isPrimary(): boolean {
    return this.id === PRIMARY_ID;
  }

  /** It gets broadcasts. */
  get listens(): boolean {
    return this.state === 'ready' && !this.suspect;
  }

  /** It may be given a task now. */
  get takesTasks(): boolean {
    return this.listens && !this.congested && !this.isPrimary;
  }

  /** It runs tasks of these events from now on, so many of each at a time: none any more where that is 0. */
  serve(changes: readonly (readonly [event: string, concurrency: number])[]): void {
    this.serves ??= new Map();
    for (const [event, concurrency] of changes) {
      if (concurrency === 0) this.serves.delete(event);
      else this.serves.set(event, { concurrency, running: 0 });
    }
    const changed = new Set(changes.map(([event]) => event));
    for (const [, { event }] of this.running.entries()) if (changed.has(event)) this.count(event, 1);
  }

  run(task: QueuedTask<HubMember>): void {
    this.running.set(task.id, task);
    this.count(task.event, 1);
  }

  /** It runs here no more. */
  release(task: QueuedTask<HubMember>): void {
    if (this.running.take(task.id) !== undefined) this.count(task.event, -1);
  }

  private count(event: string, more: number): void {
    const served = this.serves?.get(event);
    if (served !== undefined) served.running += more;
  }

  /** Marks a frame as coming from this member, whatever it wrote there itself. */
  stamp(frame: Frame): void {
    setSource(frame, this.id, this.slotField);
  }

  /** How it is named in messages. */
  get name(): string {
    return this.isPrimary ? 'the primary' : `slot ${this.address} (member ${this.id}, pid ${this.pid})`;
  }
}
