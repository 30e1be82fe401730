import { type Address, type Outcome } from '../bus.interface.js';
export type Frame = Buffer;
/** Bytes of a frame's header, and so of the smallest frame. */
export declare const HEADER = 44;
/** Longest event or key, in bytes of UTF-8: their lengths are 16 bits. */
export declare const MAX_NAME = 65535;
/** Largest frame that carries a payload of `maxPayload` bytes. */
export declare const maxFrameOf: (maxPayload: number) => number;
export declare const Kind: {
    /** Member → hub → every ready worker: a broadcast. */
    readonly PUBLISH: 1;
    /** Member → hub → target: a call. */
    readonly REQUEST: 2;
    /** Receiver → hub → caller: the answer to a REQUEST. */
    readonly REPLY: 3;
    /** Hub → caller: the REQUEST was not handed over. */
    readonly REFUSED: 4;
    /** Caller → hub: run this somewhere. Hub → worker: run this. */
    readonly TASK: 5;
    /** Worker → hub: how the task ended. Hub → caller: the same. */
    readonly RESULT: 6;
    /** Caller → hub: nobody waits for this TASK or CLAIM any more. */
    readonly CANCEL: 7;
    /** Hub → member: the ready workers. */
    readonly MEMBERS: 8;
    /** Hub → member: `source` is gone. */
    readonly LOST: 9;
    /** Member → hub: the events it runs tasks for. */
    readonly SERVE: 10;
    /** Member → hub: asks for the claim on a key. */
    readonly CLAIM: 11;
    /** Hub → member: it holds the claim, under `term`. */
    readonly GRANT: 12;
    /** Holder → hub: how its run ended. */
    readonly CONCLUDE: 13;
    /** Hub → member that claimed: how the holder's run ended. */
    readonly OUTCOME: 14;
    /** Hub → member that leaves: no REQUEST, TASK or PUBLISH comes after this. */
    readonly FENCE: 15;
    /** Hub → member: hold what is meant for `target`. */
    readonly CONGESTED: 16;
    /** Hub → member: `target` takes frames again. */
    readonly RELIEVED: 17;
    /** Hub → caller: a queue is full; the call was not queued, or its answer had no room. */
    readonly OVERFLOW: 18;
};
export declare const isKind: (kind: number) => boolean;
/** How a kind is named in messages. */
export declare function kindName(kind: number): string;
/** The primary's slot field. */
export declare const PRIMARY_SLOT = 65535;
export declare const slotOf: (address: Address) => number;
export declare const addressOf: (slot: number) => Address;
/** A frame with the given kind and contents; the other fields are zero. */
export declare function newFrame(kind: number, event?: string, key?: string, payload?: Uint8Array): Frame;
/** A frame of the hub's own, about a member's call where it has a number. */
export declare function newHubFrame(kind: number, call?: number): Frame;
/** A copy where `frame` is a small part of its memory, which keeping the frame would keep whole. */
export declare function toKeep(frame: Frame): Frame;
/** A copy with memory of its own. */
export declare function copyOf(frame: Frame): Frame;
export declare const kindOf: (frame: Frame) => number;
export declare const setKind: (frame: Frame, kind: number) => void;
export declare const outcomeOf: (frame: Frame) => Outcome;
export declare const setOutcome: (frame: Frame, outcome: Outcome) => void;
export declare const redeliveriesOf: (frame: Frame) => number;
export declare const setRedeliveries: (frame: Frame, count: number) => void;
export declare const attemptsOf: (frame: Frame) => number;
export declare const setAttempts: (frame: Frame, count: number) => void;
export declare const attemptOf: (frame: Frame) => number;
export declare const setAttempt: (frame: Frame, count: number) => void;
export declare const sourceSlotOf: (frame: Frame) => Address;
export declare const idOf: (frame: Frame) => number;
export declare const setId: (frame: Frame, id: number) => void;
export declare const sourceOf: (frame: Frame) => number;
export declare const targetOf: (frame: Frame) => number;
export declare const setTarget: (frame: Frame, member: number) => void;
export declare const termOf: (frame: Frame) => number;
export declare const setTerm: (frame: Frame, term: number) => void;
export declare const deadlineOf: (frame: Frame) => number;
export declare const setDeadline: (frame: Frame, deadline: number) => void;
/** Says who sent the frame: its member number and slot. */
export declare function setSource(frame: Frame, member: number, slot: number): void;
export declare const eventOf: (frame: Frame) => string;
export declare function keyOf(frame: Frame): string;
/** A view of the payload. */
export declare function payloadOf(frame: Frame): Buffer;
