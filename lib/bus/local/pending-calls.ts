import { NumberTable } from '../../platform/number-table.js';
import type { Answer, Claim, MemberId, Waiter } from '../bus.interface.js';

interface CallOf<What extends string, Result> {
  readonly what: What;
  readonly waiter: Waiter<Result>;
}

/** A call that waits for its answer. */
export type Call =
  | (CallOf<'request', Answer> & { readonly to: MemberId })
  | (CallOf<'task', Answer> & { readonly onProgress: ((payload: Uint8Array) => void) | undefined })
  | (CallOf<'claim', Claim> & { readonly key: string });

/** The calls of this member that wait for an answer, by number. */
export class PendingCalls {
  private readonly calls = new NumberTable<Call>();
  private lastId = 0;

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

  rejectRequestsTo(member: MemberId, error: () => Error): void {
    this.rejectRequests((to) => to === member, error);
  }

  rejectRequests(which: (to: MemberId) => boolean, error: () => Error): void {
    this.rejectWhere((call) => call.what === 'request' && which(call.to), error);
  }

  rejectAll(error: () => Error): void {
    this.rejectWhere(() => true, error);
  }

  private rejectWhere(which: (call: Call) => boolean, error: () => Error): void {
    for (const [id, call] of this.calls.entries()) {
      // Another one's rejection may have ended it.
      if (which(call) && this.calls.take(id) !== undefined) call.waiter.reject(error());
    }
  }
}
