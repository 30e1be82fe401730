import type { Answer, Claim, MemberId } from '../bus.interface.js';
interface CallOf<What extends string, Result> {
    readonly what: What;
    readonly resolve: (result: Result) => void;
    readonly reject: (error: Error) => void;
}
/** A call that waits for its answer. */
export type Call = (CallOf<'request', Answer> & {
    readonly to: MemberId;
}) | CallOf<'task', Answer> | (CallOf<'claim', Claim> & {
    readonly key: string;
});
/** The calls of this member that wait for an answer, by number. */
export declare class PendingCalls {
    private readonly calls;
    private lastId;
    /** Keeps a call and gives it a number that no other one has: 32 bits, never 0. */
    add(call: Call): number;
    get(id: number): Call | undefined;
    /** The call, which is pending no more; undefined where its caller stopped waiting. */
    take(id: number): Call | undefined;
    rejectRequestsTo(member: MemberId, error: () => Error): void;
    rejectAll(error: () => Error): void;
    private rejectWhere;
}
export {};
