import { filter, map, take } from 'rxjs';
import type { Bus, Cancellable, Member } from '../bus/bus.interface.js';
import { NotConnectedError } from '../errors/errors.js';
import { messageOf } from '../errors/read-error.js';
import type { HandlerRegistry } from '../handlers/handler-registry.js';
import { inRootContext } from '../platform/async-context.js';
import type { Deadline, PendingCall } from './deadline.js';
import type { Dispatcher } from './dispatcher.js';

interface WaitingCall {
  readonly start: () => void;
  readonly refuse: () => void;
}

/** Which worker is wanted. */
export interface MemberQuery {
  readonly wanted: (member: Member) => boolean;
  /** The error where there is none and never will be. */
  readonly never: () => Error;
  /** The slot it would be in, where that is known. */
  readonly slot?: number;
}

/**
 * The messenger's hold on the bus: calls made before it is open wait in order, calls made after it is
 * closed are refused.
 */
export class BusConnection {
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #reason = 'it was closed';
  #serving = false;
  #opening: Promise<void> | undefined;
  readonly #waiting = new Set<WaitingCall>();
  /** What `slots()` last made of the members. */
  #slots: { readonly of: readonly Member[]; readonly list: readonly Member[] } = { of: [], list: [] };

  constructor(
    readonly bus: Bus,
    readonly registry: HandlerRegistry,
    readonly dispatcher: Dispatcher,
  ) {
    dispatcher.members$.subscribe({ complete: () => this.#close(dispatcher.closed ?? this.#reason) });
    registry.onChange(() => this.#serveSoon());
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Opens the bus and lets the waiting calls go. Refuses them if it fails. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** One that refuses every call: for a container that is closed while others of its process live on. */
  refusing(): BusConnection {
    const refusing = new BusConnection(this.bus, this.registry, this.dispatcher);
    refusing.#close('its application was closed');
    return refusing;
  }

  async close(): Promise<void> {
    const wasOpen = this.#state === 'open';
    this.#close(this.#reason);
    if (wasOpen) await this.bus.close();
  }

  /**
   * Calls `start` at once if the bus is open, else when it is, in the order of calls; whatever it takes,
   * the deadline bounds it. `start` hands its message to the bus before it waits for anything, which is
   * what keeps a sender's messages in order. Resolves to what `read` makes of what the part is settled with.
   */
  call<T, Result = T>(
    call: string,
    deadline: Deadline,
    start: (part: PendingCall<T>) => void,
    expired: () => Error,
    read?: (value: T) => Result,
  ): Promise<Result> {
    if (this.#state === 'open') return deadline.bound(start, expired, read);
    return deadline.bound((part: PendingCall<T>) => this.whenOpen(call, part, start), expired, read);
  }

  /** Begins `start` now, or once the bus is open; the part fails where it is closed. */
  whenOpen<Some extends PendingCall<any>>(call: string, part: Some, start: (part: Some) => void): void {
    if (this.#state === 'open') return part.begin(start);
    if (this.#state === 'closed') return part.reject(this.#refusal(call));
    const waiting: WaitingCall = {
      start: () => {
        part.cancel = undefined;
        part.begin(start);
      },
      refuse: () => part.reject(this.#refusal(call)),
    };
    this.#waiting.add(waiting);
    part.cancel = () => this.#waiting.delete(waiting);
  }

  /** Tells the bus of handlers that it was not told of yet, before a task that may be for one of them. */
  serveNow(): void {
    if (!this.#serving) return;
    this.#serving = false;
    // What takes the tasks outlives the call that brought the handler.
    if (this.#state === 'open') inRootContext(() => this.bus.serve(this.registry.consumedEvents()));
  }

  /** The ready workers, one for each slot, in order of hosts and slots. */
  slots(): readonly Member[] {
    const { members } = this.bus;
    if (members !== this.#slots.of) this.#slots = { of: members, list: onePerSlot(members) };
    return this.#slots.list;
  }

  /** The newest ready worker that `wanted` accepts. */
  ready(wanted: (member: Member) => boolean): Member | undefined {
    return newest(this.bus.members, wanted);
  }

  /**
   * Gives `found` the first ready worker that `wanted` accepts, now or as soon as the word of it comes: in the order
   * of calls, and before anything that was sent after that word is heard. Gives `failed` what `never()` says once there
   * is none and none will be: the cluster stops, or was scaled down below `slot`.
   */
  member(
    call: string,
    waiting: Cancellable,
    { wanted, never, slot = 0 }: MemberQuery,
    found: (member: Member) => void,
    failed: (error: Error) => void,
  ): void {
    const ready = this.ready(wanted);
    if (ready !== undefined) return found(ready);
    const answer = this.dispatcher.members$.pipe(
      map((members) => newest(members, wanted) ?? (slot < this.bus.slots ? undefined : never())),
      filter((one) => one !== undefined),
      take(1),
    );
    let isAnswered = false;
    const subscription = answer.subscribe({
      next: (one) => {
        isAnswered = true;
        if (one instanceof Error) failed(one);
        else found(one);
      },
      // It completes without a member only when the bus is gone.
      complete: () => isAnswered || failed(this.#refusal(call)),
    });
    if (!isAnswered) waiting.cancel = () => subscription.unsubscribe();
  }

  async #open(): Promise<void> {
    try {
      await this.bus.open(this.dispatcher);
    } catch (error) {
      this.#close(`it could not be opened: ${messageOf(error)}`);
      throw error;
    }
    if (this.#state === 'closed') {
      await this.bus.close();
      return;
    }
    this.#state = 'open';
    this.bus.serve(this.registry.consumedEvents());
    for (const { start } of this.#waiting) start();
    this.#waiting.clear();
  }

  #close(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#reason = reason;
    for (const { refuse } of this.#waiting) refuse();
    this.#waiting.clear();
  }

  /** Many handlers come at once when an app boots: the bus is told once for all of them. */
  #serveSoon(): void {
    if (this.#serving || this.#state !== 'open') return;
    this.#serving = true;
    queueMicrotask(() => this.serveNow());
  }

  #refusal(call: string): NotConnectedError {
    return new NotConnectedError(
      `${call} found no connection to the cluster: ${this.#reason}. Make calls before the app shuts down, and let ` +
        `the supervisor restart a worker that lost its primary.`,
    );
  }
}

/** A replaced worker may still be listed beside its replacement, which has the higher number. */
function newest(members: readonly Member[], wanted: (member: Member) => boolean): Member | undefined {
  let found: Member | undefined;
  for (const member of members) {
    if (wanted(member) && (found === undefined || found.id < member.id)) found = member;
  }
  return found;
}

/** Slots are counted within a primary. */
function onePerSlot(members: readonly Member[]): readonly Member[] {
  const bySlot = new Map<string, Member>();
  for (const member of members) {
    const place = `${member.primary ?? 0}/${member.slot}`;
    const other = bySlot.get(place);
    if (other === undefined || other.id < member.id) bySlot.set(place, member);
  }
  return [...bySlot.values()].sort(byHostAndSlot);
}

function byHostAndSlot(a: Member, b: Member): number {
  const [one, other] = [a.host ?? '', b.host ?? ''];
  if (one !== other) return one < other ? -1 : 1;
  return (a.primary ?? 0) - (b.primary ?? 0) || a.slot - b.slot;
}
