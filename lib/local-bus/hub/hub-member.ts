import { NumberTable } from '../../platform/number-table.js';
import { PRIMARY_ID, type Address, type Member, type MemberId } from '../../bus/bus.interface.js';
import { type Frame, setSource, slotOf } from '../wire/frame.js';
import type { Link } from '../wire/link.js';
import type { QueuedTask } from './queued-task.js';

/** The worker process that is attached to the hub. */
export type MemberProcess = Pick<Member, 'id' | 'slot' | 'generation' | 'pid'>;

/** An event that a member runs tasks of. */
interface Served {
  /** How many of its tasks may run at once. */
  readonly concurrency: number;
  /** How many are running now. */
  running: number;
}

/** A member as the hub sees it, with all state that the hub keeps about it. */
export class HubMember {
  /**
   * `attached`: may send and gets answers. `ready`: gets everything. `leaving`: gets answers only. `gone`: gets
   * nothing.
   */
  state: 'attached' | 'ready' | 'leaving' | 'gone' = 'attached';
  suspect = false;
  /** Whether its queue exceeds the limit and the others were told. */
  congested = false;
  /** The events whose tasks it runs; undefined until it has told. */
  serves: Map<string, Served> | undefined;
  /** Changes of `serves` that have arrived, while the rest of them is still on the way. */
  readonly toServe: [event: string, concurrency: number][] = [];
  /** The tasks it is running, by the queue's task number. */
  readonly running = new NumberTable<QueuedTask<HubMember>>();
  /** The tasks it waits for, by its own call number. */
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

  /** Whether it gets broadcasts. */
  get listens(): boolean {
    return this.state === 'ready' && !this.suspect;
  }

  /** Whether it may be given a task now. */
  get takesTasks(): boolean {
    return this.listens && !this.congested && !this.isPrimary;
  }

  /** Sets for each event how many of its tasks the member runs at once from now on; 0: none any more. */
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

  /** The task does not run on this member any more. */
  release(task: QueuedTask<HubMember>): void {
    if (this.running.take(task.id) !== undefined) this.count(task.event, -1);
  }

  private count(event: string, more: number): void {
    const served = this.serves?.get(event);
    if (served !== undefined) served.running += more;
  }

  /** Marks a frame as sent by this member, whatever source the member wrote into it. */
  stamp(frame: Frame): void {
    setSource(frame, this.id, this.slotField);
  }

  /** The member's name in messages. */
  get name(): string {
    return this.isPrimary ? 'the primary' : `slot ${this.address} (member ${this.id}, pid ${this.pid})`;
  }
}
