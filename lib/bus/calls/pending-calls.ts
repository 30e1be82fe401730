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

/** A call that waits. */
export type Call = SingleCall | GroupCall;

/** The calls of this member that wait for an answer, by number. */
export class PendingCalls {
  private readonly calls = new NumberTable<Call>();
  private lastId = 0;

  get size(): number {
    return this.calls.size;
  }

  /** Keeps a call and gives it a number that no other one has: 32 bits, never 0. */
  add(call: Call): number {
    do this.lastId = (this.lastId + 1) >>> 0;
    while (this.lastId === 0 || this.calls.has(this.lastId));
    this.calls.set(this.lastId, call);
    return this.lastId;
  }

  get(id: number): Call | undefined {
    return this.calls.get(id);
  }

  /** The call, which is pending no more; undefined where its caller stopped waiting. */
  take(id: number): Call | undefined {
    return this.calls.take(id);
  }

  /** Whoever waits for what `member` answers to a request; nobody where another one was asked. */
  takeRequest(id: number, member: MemberId): Waiter<Answer> | undefined {
    const call = this.calls.get(id);
    if (call?.what === 'round') {
      const waiter = call.take(member);
      if (call.isOver) this.calls.take(id);
      return waiter;
    }
    if (call?.what !== 'request' || call.to !== member) return undefined;
    this.calls.take(id);
    return call.waiter;
  }

  /** Whoever waits for a call; of one to several members, for what `member` answers. */
  takeWaiter(id: number, member: MemberId): Waiter<never> | undefined {
    const call = this.calls.get(id);
    if (call?.what === 'round') return this.takeRequest(id, member);
    this.calls.take(id);
    return call?.waiter;
  }

  rejectRequestsTo(member: MemberId, error: (event: string | undefined) => Error): void {
    this.rejectRequests((to) => to === member, error);
  }

  /** @param error is given the event where the request has it */
  rejectRequests(which: (to: MemberId) => boolean, error: (event: string | undefined) => Error): void {
    for (const [id, call] of this.calls.entries()) {
      const asked = call.what === 'round' ? call.members : call.what === 'request' ? [call.to] : [];
      // Another one's rejection may have ended it.
      const event = call.what === 'request' ? call.event : undefined;
      for (const member of asked) if (which(member)) this.takeRequest(id, member)?.reject(error(event));
    }
  }

  rejectAll(error: () => Error): void {
    this.rejectRequests(() => true, error);
    for (const [id, call] of this.calls.entries()) {
      if (call.what !== 'round' && this.calls.take(id) !== undefined) call.waiter.reject(error());
    }
  }
}
