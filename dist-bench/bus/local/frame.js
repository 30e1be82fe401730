import { InvalidArgumentError } from '../../errors/index.js';
import { PRIMARY_ID } from '../bus.interface.js';
import { bytesOfName, nameIn } from './name-cache.js';
/** Bytes of a frame's header, and so of the smallest frame. */
export const HEADER = 44;
/** Longest event or key, in bytes of UTF-8: their lengths are 16 bits. */
export const MAX_NAME = 0xffff;
/** Largest frame that carries a payload of `maxPayload` bytes. */
export const maxFrameOf = (maxPayload) => HEADER + 2 * MAX_NAME + maxPayload;
export const Kind = {
    /** Member → hub → every ready worker: a broadcast. */
    PUBLISH: 1,
    /** Member → hub → target: a call. */
    REQUEST: 2,
    /** Receiver → hub → caller: the answer to a REQUEST. */
    REPLY: 3,
    /** Hub → caller: the REQUEST was not handed over. */
    REFUSED: 4,
    /** Caller → hub: run this somewhere. Hub → worker: run this. */
    TASK: 5,
    /** Worker → hub: how the task ended. Hub → caller: the same. */
    RESULT: 6,
    /** Caller → hub: nobody waits for this TASK or CLAIM any more. */
    CANCEL: 7,
    /** Hub → member: the ready workers. */
    MEMBERS: 8,
    /** Hub → member: `source` is gone. */
    LOST: 9,
    /** Member → hub: the events it runs tasks for. */
    SERVE: 10,
    /** Member → hub: asks for the claim on a key. */
    CLAIM: 11,
    /** Hub → member: it holds the claim, under `term`. */
    GRANT: 12,
    /** Holder → hub: how its run ended. */
    CONCLUDE: 13,
    /** Hub → member that claimed: how the holder's run ended. */
    OUTCOME: 14,
    /** Hub → member that leaves: no REQUEST, TASK or PUBLISH comes after this. */
    FENCE: 15,
    /** Hub → member: hold what is meant for `target`. */
    CONGESTED: 16,
    /** Hub → member: `target` takes frames again. */
    RELIEVED: 17,
    /** Hub → caller: a queue is full; the call was not queued, or its answer had no room. */
    OVERFLOW: 18,
};
const LAST_KIND = Kind.OVERFLOW;
export const isKind = (kind) => kind >= Kind.PUBLISH && kind <= LAST_KIND;
/** How a kind is named in messages. */
export function kindName(kind) {
    return Object.entries(Kind).find(([, value]) => value === kind)?.[0] ?? String(kind);
}
const OUTCOMES = ['ok', 'error', 'no-handler', 'expired', 'lost'];
/** The primary's slot field. */
export const PRIMARY_SLOT = 0xffff;
export const slotOf = (address) => (address === 'primary' ? PRIMARY_SLOT : address);
export const addressOf = (slot) => (slot === PRIMARY_SLOT ? 'primary' : slot);
const NO_BYTES = new Uint8Array(0);
/** A frame with the given kind and contents; the other fields are zero. */
export function newFrame(kind, event = '', key = '', payload = NO_BYTES) {
    const eventBytes = event === '' ? NO_BYTES : bytesOfName(event);
    const keyBytes = key === '' ? NO_BYTES : Buffer.from(key);
    if (eventBytes.length > MAX_NAME)
        throw tooLong('event', event, eventBytes.length);
    if (keyBytes.length > MAX_NAME)
        throw tooLong('key', key, keyBytes.length);
    const keyAt = HEADER + eventBytes.length;
    const payloadAt = keyAt + keyBytes.length;
    const frame = allocate(payloadAt + payload.length);
    frame.fill(0, 0, HEADER);
    frame.writeUInt32LE(frame.length - 4, 0);
    frame[4] = kind;
    frame.writeUInt16LE(eventBytes.length, 12);
    frame.writeUInt16LE(keyBytes.length, 14);
    if (eventBytes.length > 0)
        frame.set(eventBytes, HEADER);
    if (keyBytes.length > 0)
        frame.set(keyBytes, keyAt);
    if (payload.length > 0)
        frame.set(payload, payloadAt);
    return frame;
}
/** A frame of the hub's own, about a member's call where it has a number. */
export function newHubFrame(kind, call = 0) {
    const frame = newFrame(kind);
    setId(frame, call);
    setSource(frame, PRIMARY_ID, PRIMARY_SLOT);
    return frame;
}
function tooLong(what, name, length) {
    const start = name.slice(0, 40);
    return new InvalidArgumentError(`The ${what} '${start}…' is ${length} bytes long; at most ${MAX_NAME} are allowed. Use a shorter ${what}.`);
}
/** Bytes of the memory that frames are cut from; frames that lie side by side leave in one write. */
const SLAB = 64 * 1024;
let slab = Buffer.allocUnsafeSlow(SLAB);
let slabUsed = 0;
function allocate(size) {
    if (size > SLAB / 4)
        return Buffer.allocUnsafeSlow(size);
    if (slabUsed + size > SLAB) {
        slab = Buffer.allocUnsafeSlow(SLAB);
        slabUsed = 0;
    }
    return slab.subarray(slabUsed, (slabUsed += size));
}
/** A copy where `frame` is a small part of its memory, which keeping the frame would keep whole. */
export function toKeep(frame) {
    if (frame.length * 2 >= frame.buffer.byteLength)
        return frame;
    return copyOf(frame);
}
/** A copy with memory of its own. */
export function copyOf(frame) {
    const copy = Buffer.allocUnsafeSlow(frame.length);
    copy.set(frame);
    return copy;
}
export const kindOf = (frame) => frame[4];
export const setKind = (frame, kind) => void (frame[4] = kind);
export const outcomeOf = (frame) => OUTCOMES[frame[5]] ?? 'error';
export const setOutcome = (frame, outcome) => void (frame[5] = OUTCOMES.indexOf(outcome));
export const redeliveriesOf = (frame) => frame.readUInt16LE(6);
export const setRedeliveries = (frame, count) => void frame.writeUInt16LE(clamp16(count), 6);
export const attemptsOf = (frame) => frame.readUInt16LE(8);
export const setAttempts = (frame, count) => void frame.writeUInt16LE(clamp16(count), 8);
export const attemptOf = (frame) => frame.readUInt16LE(10);
export const setAttempt = (frame, count) => void frame.writeUInt16LE(clamp16(count), 10);
export const sourceSlotOf = (frame) => addressOf(frame.readUInt16LE(16));
export const idOf = (frame) => frame.readUInt32LE(20);
export const setId = (frame, id) => void frame.writeUInt32LE(id, 20);
export const sourceOf = (frame) => frame.readUInt32LE(24);
export const targetOf = (frame) => frame.readUInt32LE(28);
export const setTarget = (frame, member) => void frame.writeUInt32LE(member, 28);
export const termOf = (frame) => frame.readUInt32LE(32);
export const setTerm = (frame, term) => void frame.writeUInt32LE(term, 32);
export const deadlineOf = (frame) => frame.readDoubleLE(36);
export const setDeadline = (frame, deadline) => void frame.writeDoubleLE(deadline, 36);
/** Says who sent the frame: its member number and slot. */
export function setSource(frame, member, slot) {
    frame.writeUInt32LE(member, 24);
    frame.writeUInt16LE(slot, 16);
}
const eventLength = (frame) => frame.readUInt16LE(12);
const keyLength = (frame) => frame.readUInt16LE(14);
export const eventOf = (frame) => nameIn(frame, HEADER, HEADER + eventLength(frame));
export function keyOf(frame) {
    const start = HEADER + eventLength(frame);
    return frame.toString('utf8', start, start + keyLength(frame));
}
/** A view of the payload. */
export function payloadOf(frame) {
    return frame.subarray(HEADER + eventLength(frame) + keyLength(frame));
}
const clamp16 = (count) => (count > 0xffff ? 0xffff : count > 0 ? Math.floor(count) : 0);
//# sourceMappingURL=frame.js.map