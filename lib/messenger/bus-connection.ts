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

/** Describes the worker that a call is looking for. */
export interface MemberQuery {
  readonly wanted: (member: Member) => boolean;
  /** Creates the error for when no such worker is ready and none ever will be. */
  readonly never: () => Error;
  /** The slot such a worker would be in, if known. */
  readonly slot?: number;
}

/**
 * The messenger's connection to the bus. Calls made before the bus is open wait in order; calls made after it is
 * closed are refused.
 */
export class BusConnection {
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #reason = 'it was closed';
  #serving = false;
  #opening: Promise<void> | undefined;
  readonly #waiting = new Set<WaitingCall>();
  /** The members that `slots()` was last computed from, and its result. */
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

  /** Opens the bus, then starts the waiting calls. If that fails, refuses them. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Returns a connection that refuses every call, for a container that closes while others of its process live on. */
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
   * Calls `start` now if the bus is open, otherwise when it opens, in the order of the calls. The deadline covers
   * all of it. `start` must hand its message to the bus before it awaits anything, because that keeps a sender's
   * messages in order. Resolves to what `read` returns for the value that settles the call.
   */
  call<T, Result = T>(
    call: string,
    deadline: Deadline,
    start: (pending: PendingCall<T>) => void,
    expired: () => Error,
    read?: (value: T) => Result,
  ): Promise<Result> {
    if (this.#state === 'open') return deadline.bound(start, expired, read);
    return deadline.bound((pending: PendingCall<T>) => this.whenOpen(call, pending, start), expired, read);
  }

  /** Calls `start` now, or when the bus opens. Rejects the call if the bus is closed. */
  whenOpen<Some extends PendingCall<any>>(call: string, pending: Some, start: (pending: Some) => void): void {
    if (this.#state === 'open') return pending.begin(start);
    if (this.#state === 'closed') return pending.reject(this.#refusal(call));
    const waiting: WaitingCall = {
      start: () => {
        pending.cancel = undefined;
        pending.begin(start);
      },
      refuse: () => pending.reject(this.#refusal(call)),
    };
    this.#waiting.add(waiting);
    pending.cancel = () => this.#waiting.delete(waiting);
  }

  /** Tells the bus about new handlers right now, before a task that may be for one of them. */
  serveNow(): void {
    if (!this.#serving) return;
    this.#serving = false;
    // The bus's task consumers outlive the call that added the handler, so they must not run in its context.
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
   * Calls `found` with the first ready worker that `wanted` accepts: now, or as soon as this process hears of one.
   * Calls are served in order, and before any message that arrives after the news of that worker. Calls `failed` with
   * `never()` once there is no such worker and will be none: the cluster is stopping, or was scaled down below `slot`.
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

  /** An app that boots adds many handlers at once; the bus is told once about all of them. */
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

/** A replaced worker may still be listed beside its replacement, which has the higher id. */
function newest(members: readonly Member[], wanted: (member: Member) => boolean): Member | undefined {
  let found: Member | undefined;
  for (const member of members) {
    if (wanted(member) && (found === undefined || found.id < member.id)) found = member;
  }
  return found;
}

/** Each primary counts its own slots, so the key is the primary and the slot. */
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
