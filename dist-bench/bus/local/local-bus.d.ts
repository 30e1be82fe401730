import type { AbortSignalLike, Address, Answer, Bus, BusReceiver, Claim, Member, MemberId, Outcome, Request, Task, TaskRequest } from '../bus.interface.js';
import type { Link } from './link.js';
export interface LocalBusOptions {
    /** Largest payload, in bytes. */
    readonly maxPayload: number;
    /** Bytes of calls that may wait to be sent. */
    readonly queueLimit: number;
}
/** A member's end of the embedded bus: speaks frames over one link to the hub. */
export declare class LocalBus implements Bus {
    private readonly link;
    readonly self: {
        readonly id: MemberId;
        readonly address: Address;
        readonly generation: number;
    };
    readonly maxPayload: number;
    readonly fenced: Promise<void>;
    members: readonly Member[];
    private readonly calls;
    private readonly outbox;
    private readonly loopback;
    /** Terms of the claims this member holds, by key. */
    private readonly held;
    private publications;
    private receiver;
    private opened;
    private raiseFence;
    private isFenced;
    /** Why nothing is sent any more. */
    private closed;
    private linkClosed;
    private readonly whenLinkClosed;
    constructor(link: Link, self: {
        readonly id: MemberId;
        readonly address: Address;
        readonly generation: number;
    }, { maxPayload, queueLimit }: LocalBusOptions);
    open(receiver: BusReceiver): Promise<void>;
    serve(events: readonly string[]): void;
    publish(event: string, payload: Uint8Array): Promise<void>;
    request(to: MemberId, event: string, payload: Uint8Array, deadline: number, signal: AbortSignalLike): Promise<Answer>;
    reply(request: Request, outcome: Outcome, payload: Uint8Array): void;
    enqueue(task: TaskRequest, signal: AbortSignalLike): Promise<Answer>;
    settle(task: Task, outcome: Outcome, payload: Uint8Array): void;
    claim(key: string, ttl: number, signal: AbortSignalLike): Promise<Claim>;
    conclude(key: string, outcome: 'ok' | 'error', payload: Uint8Array): void;
    flush(): Promise<void>;
    close(): Promise<void>;
    /** Sends a call now or when its turn comes, and keeps it until its answer comes or the caller gives up. */
    private call;
    private cancel;
    private sendPublish;
    private receive;
    private receiveOwnRequest;
    /** Only the member that was asked may answer. */
    private replied;
    private settleCall;
    private settleClaim;
    /** A grant whose caller has given up needs no answer: the hub gets the caller's CANCEL and passes it on. */
    private granted;
    private failCall;
    private membersChanged;
    private memberLost;
    private fence;
    /** An answer over the limit would look like a broken member to the hub, and cost it its link. */
    private checkSize;
    /** Why a call cannot be made. */
    private refusal;
    private disconnected;
    private shut;
    private notConnected;
}
