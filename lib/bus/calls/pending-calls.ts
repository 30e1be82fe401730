import { NumberTable } from '../../platform/number-table.js';
import type { Answer, Claim, MemberId, Waiter } from '../bus.interface.js';
import type { Encoded } from '../../codec/codec.js';
import type { GroupCall } from './group-call.js';

interface CallOf<What extends string, Result> {
  readonly what: What;
  readonly waiter: Waiter<Result>;
}

/** A call that waits for one answer. */
export type SingleCall =
  | (CallOf<'request', Answer> & { readonly to: MemberId; readonly event?: string })
  | (CallOf<'task', Answer> & { readonly onProgress: ((payload: Encoded) => void) | undefined })
  | (CallOf<'claim', Claim> & { readonly key: string });

/** A call that waits for one or more answers. */
export type Call = SingleCall | GroupCall;

/** The calls of this member that wait for an answer, by number. */
export class PendingCalls {
  private readonly calls = new NumberTable<Call>();
  private lastId = 0;

  get size(): number {
    return this.calls.size;
  }

  /** Keeps a call and returns a number that no other pending call has: 32 bits, never 0. */
  add(call: Call): number {
    do this.lastId = (this.lastId + 1) >>> 0;
    while (this.lastId === 0 || this.calls.has(this.lastId));
    this.calls.set(this.lastId, call);
    return this.lastId;
  }

  get(id: number): Call | undefined {
    return this.calls.get(id);
  }

  /** Removes and returns the call; undefined if its caller has stopped waiting. */
  take(id: number): Call | undefined {
    return this.calls.take(id);
  }

  /** Removes and returns the waiter for `member`'s answer to a request; undefined if that member was not asked. */
  takeRequest(id: number, member: MemberId): Waiter<Answer> | undefined {
    const call = this.calls.get(id);
    if (call?.what === 'group') {
      const waiter = call.take(member);
      if (call.isOver) this.calls.take(id);
      return waiter;
    }
    if (call?.what !== 'request' || call.to !== member) return undefined;
    this.calls.take(id);
    return call.waiter;
  }

  /** Removes and returns the waiter of a call. For a request to several members: the waiter for `member`'s answer. */
  takeWaiter(id: number, member: MemberId): Waiter<never> | undefined {
    const call = this.calls.get(id);
    if (call?.what === 'group') return this.takeRequest(id, member);
    this.calls.take(id);
    return call?.waiter;
  }

  rejectRequestsTo(member: MemberId, error: (event: string | undefined) => Error): void {
    this.rejectRequests((to) => to === member, error);
  }

  /** @param error is called with the event, if the request has it */
  rejectRequests(which: (to: MemberId) => boolean, error: (event: string | undefined) => Error): void {
    for (const [id, call] of this.calls.entries()) {
      const asked = call.what === 'group' ? call.members : call.what === 'request' ? [call.to] : [];
      // The rejection of another request may have ended this one, so each waiter is looked up again.
      const event = call.what === 'request' ? call.event : undefined;
      for (const member of asked) if (which(member)) this.takeRequest(id, member)?.reject(error(event));
    }
  }

  rejectAll(error: () => Error): void {
    this.rejectRequests(() => true, error);
    for (const [id, call] of this.calls.entries()) {
      if (call.what !== 'group' && this.calls.take(id) !== undefined) call.waiter.reject(error());
    }
  }
}
