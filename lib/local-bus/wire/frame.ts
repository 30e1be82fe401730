import { InvalidArgumentError } from '../../errors/errors.js';
import { type Address, type MemberId, type Outcome, PRIMARY_ID } from '../../bus/bus.interface.js';
import { ByteRange } from '../../codec/byte-range.js';
import { bytesOfName, nameIn } from './name-cache.js';

/*
 * A frame is a fixed header, then the event, the key and the payload. Integers are little-endian.
 *
 *  0 u32 length of what follows this field    20 u32 id: the caller's call, or the queue's task
 *  4 u8  kind                                 24 u32 source member; stamped by the hub
 *  5 u8  outcome                              28 u32 target member
 *  6 u16 redeliveries still allowed           32 u32 term of a claim
 *  8 u16 attempts allowed                     36 f64 deadline (host time, ms), or the ttl of a claim (ms)
 * 10 u16 attempt                              44 event, UTF-8
 * 12 u16 length of the event                     key, UTF-8
 * 14 u16 length of the key                       payload, opaque; the key of REQUEST_EACH is its targets, u32 each
 * 16 u16 slot of the source; stamped by the hub
 * 18 u8  whether the caller wants progress; then zero
 *
 * Frames are read in place and relayed unchanged, except for header fields that are rewritten in place.
 */

export type Frame = ByteRange;

/** Size of a frame's header, and so of the smallest frame, in bytes. */
export const HEADER = 44;

/** Longest event or key, in bytes of UTF-8, because their lengths are stored in 16 bits. */
export const MAX_NAME = 0xffff;

/** Size of the largest frame with a payload of `maxPayload` bytes. */
export const maxFrameOf = (maxPayload: number): number => HEADER + 2 * MAX_NAME + maxPayload;

export const Kind = {
  /** Member → hub → every ready worker: a broadcast. */
  PUBLISH: 1,
  /** Member → hub → target: a call. */
  REQUEST: 2,
  /** Receiver → hub → caller: the answer to a REQUEST. */
  REPLY: 3,
  /** Hub → caller: the REQUEST was not delivered to `target`. */
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
  /** Member → hub: changes of the events whose tasks it runs; `id` is how many frames with further changes follow. */
  SERVE: 10,
  /** Member → hub: asks for the claim on a key. */
  CLAIM: 11,
  /** Hub → member: it holds the claim, under `term`. */
  GRANT: 12,
  /** Holder → hub: how its run ended. */
  CONCLUDE: 13,
  /** Hub → claimant: how the holder's run ended. */
  OUTCOME: 14,
  /** Hub → leaving member: no REQUEST, TASK or PUBLISH comes after this. */
  GOAWAY: 15,
  /** Hub → member: hold the frames for `target`. */
  CONGESTED: 16,
  /** Hub → member: `target` takes frames again. */
  RELIEVED: 17,
  /** Hub → caller: a queue is full, so the call was not queued, or there was no room for its answer. */
  OVERFLOW: 18,
  /** Worker → hub → callers: the progress of a TASK. */
  PROGRESS: 19,
  /** Hub → worker: the callers of a TASK have given it up. */
  ABANDONED: 20,
  /** Member → hub → several targets: the same call to each. */
  REQUEST_EACH: 21,
} as const;

const LAST_KIND = Kind.REQUEST_EACH;

export const isKind = (kind: number): boolean => kind >= Kind.PUBLISH && kind <= LAST_KIND;

/** The name of a kind in messages. */
export function kindName(kind: number): string {
  return Object.entries(Kind).find(([, value]) => value === kind)?.[0] ?? String(kind);
}

const OUTCOMES: readonly Outcome[] = ['ok', 'error', 'no-handler', 'expired', 'lost', 'stopping'];

/** The value of the slot field that means the primary. */
export const PRIMARY_SLOT = 0xffff;

export const slotOf = (address: Address): number => (address === 'primary' ? PRIMARY_SLOT : address);
export const addressOf = (slot: number): Address => (slot === PRIMARY_SLOT ? 'primary' : slot);

const NO_BYTES = new Uint8Array(0);

/** Creates a frame with this kind and content; the other fields are zero. */
export function newFrame(
  kind: number,
  event = '',
  key: string | Uint8Array = '',
  payload: Uint8Array = NO_BYTES,
): Frame {
  const eventBytes = event === '' ? NO_BYTES : bytesOfName(event);
  const keyBytes = typeof key !== 'string' ? key : key === '' ? NO_BYTES : Buffer.from(key);
  if (eventBytes.length > MAX_NAME) throw tooLong('event', event, eventBytes.length);
  if (keyBytes.length > MAX_NAME) throw tooLong('key', String(key), keyBytes.length);
  const frame = allocate(HEADER + eventBytes.length + keyBytes.length + payload.length);
  const { bytes, start } = frame;
  const keyAt = start + HEADER + eventBytes.length;
  bytes.writeUInt32LE(frame.length - 4, start);
  bytes[start + 4] = kind;
  bytes.writeUInt16LE(eventBytes.length, start + 12);
  bytes.writeUInt16LE(keyBytes.length, start + 14);
  if (eventBytes.length > 0) bytes.set(eventBytes, start + HEADER);
  if (keyBytes.length > 0) bytes.set(keyBytes, keyAt);
  if (payload.length > 0) bytes.set(payload, keyAt + keyBytes.length);
  return frame;
}

const TARGET_SIZE = 4;

/** Creates one frame for the same request to several members. */
export function newRequestEach(event: string, targets: readonly MemberId[], payload: Uint8Array): Frame {
  const key = Buffer.allocUnsafe(targets.length * TARGET_SIZE);
  for (const [i, target] of targets.entries()) key.writeUInt32LE(target, i * TARGET_SIZE);
  return newFrame(Kind.REQUEST_EACH, event, key, payload);
}

/** The targets of a REQUEST_EACH; undefined if they cannot be read. */
export function targetsOf(frame: Frame): MemberId[] | undefined {
  const length = keyLength(frame);
  if (length % TARGET_SIZE !== 0) return undefined;
  const start = frame.start + HEADER + eventLength(frame);
  return Array.from({ length: length / TARGET_SIZE }, (_, i) => frame.bytes.readUInt32LE(start + i * TARGET_SIZE));
}

/** Creates a frame of the hub itself; `call` is the member's call that it is about, if any. */
export function newHubFrame(kind: number, call = 0): Frame {
  const frame = newFrame(kind);
  setId(frame, call);
  setSource(frame, PRIMARY_ID, PRIMARY_SLOT);
  return frame;
}

/** The error for a name that is too long for a frame. */
export function tooLong(what: string, name: string, length: number): InvalidArgumentError {
  const start = name.slice(0, 40);
  return new InvalidArgumentError(
    `The ${what} '${start}…' is ${length} bytes long; at most ${MAX_NAME} are allowed. Use a shorter ${what}.`,
  );
}

/** Size of the memory that frames are allocated from, in bytes. Adjacent frames are written in one piece. */
const SLAB = 64 * 1024;
let slab = Buffer.alloc(SLAB);
let slabUsed = 0;

/** Allocates a frame whose header is zero. */
function allocate(size: number): Frame {
  if (size > SLAB / 4) return new ByteRange(Buffer.allocUnsafeSlow(size).fill(0, 0, HEADER));
  if (slabUsed + size > SLAB) {
    slab = Buffer.alloc(SLAB);
    slabUsed = 0;
  }
  return new ByteRange(slab, slabUsed, (slabUsed += size));
}

/**
 * Copies `frame` if it is a small part of its memory, because keeping the frame would keep all of that memory. For
 * frames that are kept for a while. Short copies come from Node's shared pool of 8 KiB, which is cheap.
 */
export function toKeep(frame: Frame): Frame {
  return frame.length * 2 >= frame.bytes.buffer.byteLength ? frame : copyTo(Buffer.allocUnsafe(frame.length), frame);
}

/** A copy with memory of its own. */
export const copyOf = (frame: Frame): Frame => copyTo(Buffer.allocUnsafeSlow(frame.length), frame);

function copyTo(memory: Buffer, { bytes, start, end }: Frame): Frame {
  bytes.copy(memory, 0, start, end);
  return new ByteRange(memory);
}

export const kindOf = (frame: Frame): number => frame.bytes[frame.start + 4]!;
export const setKind = (frame: Frame, kind: number): void => void (frame.bytes[frame.start + 4] = kind);
export const outcomeOf = (frame: Frame): Outcome => OUTCOMES[frame.bytes[frame.start + 5]!] ?? 'error';
export const setOutcome = (frame: Frame, outcome: Outcome): void =>
  void (frame.bytes[frame.start + 5] = OUTCOMES.indexOf(outcome));
export const redeliveriesOf = (frame: Frame): number => frame.bytes.readUInt16LE(frame.start + 6);
export const setRedeliveries = (frame: Frame, count: number): void =>
  void frame.bytes.writeUInt16LE(clamp16(count), frame.start + 6);
export const attemptsOf = (frame: Frame): number => frame.bytes.readUInt16LE(frame.start + 8);
export const setAttempts = (frame: Frame, count: number): void =>
  void frame.bytes.writeUInt16LE(clamp16(count), frame.start + 8);
export const attemptOf = (frame: Frame): number => frame.bytes.readUInt16LE(frame.start + 10);
export const setAttempt = (frame: Frame, count: number): void =>
  void frame.bytes.writeUInt16LE(clamp16(count), frame.start + 10);
export const sourceSlotOf = (frame: Frame): Address => addressOf(frame.bytes.readUInt16LE(frame.start + 16));
export const wantsProgress = (frame: Frame): boolean => frame.bytes[frame.start + 18] !== 0;
export const setWantsProgress = (frame: Frame, wanted: boolean): void =>
  void (frame.bytes[frame.start + 18] = wanted ? 1 : 0);
export const idOf = (frame: Frame): number => frame.bytes.readUInt32LE(frame.start + 20);
export const setId = (frame: Frame, id: number): void => void frame.bytes.writeUInt32LE(id, frame.start + 20);
export const sourceOf = (frame: Frame): number => frame.bytes.readUInt32LE(frame.start + 24);
export const targetOf = (frame: Frame): number => frame.bytes.readUInt32LE(frame.start + 28);
export const setTarget = (frame: Frame, member: number): void =>
  void frame.bytes.writeUInt32LE(member, frame.start + 28);
export const termOf = (frame: Frame): number => frame.bytes.readUInt32LE(frame.start + 32);
export const setTerm = (frame: Frame, term: number): void => void frame.bytes.writeUInt32LE(term, frame.start + 32);
export const deadlineOf = (frame: Frame): number => frame.bytes.readDoubleLE(frame.start + 36);
export const setDeadline = (frame: Frame, deadline: number): void =>
  void frame.bytes.writeDoubleLE(deadline, frame.start + 36);

/** Writes the sender into the frame: its member number and slot. */
export function setSource(frame: Frame, member: number, slot: number): void {
  frame.bytes.writeUInt32LE(member, frame.start + 24);
  frame.bytes.writeUInt16LE(slot, frame.start + 16);
}

const eventLength = (frame: Frame): number => frame.bytes.readUInt16LE(frame.start + 12);
const keyLength = (frame: Frame): number => frame.bytes.readUInt16LE(frame.start + 14);

const keyAt = (frame: Frame): number => frame.start + HEADER + eventLength(frame);
const payloadAt = (frame: Frame): number => keyAt(frame) + keyLength(frame);

export const eventOf = (frame: Frame): string => nameIn(frame.bytes, frame.start + HEADER, keyAt(frame));

export const keyOf = (frame: Frame): string => frame.bytes.toString('utf8', keyAt(frame), payloadAt(frame));

export const payloadOf = (frame: Frame): ByteRange => new ByteRange(frame.bytes, payloadAt(frame), frame.end);

/** The payload as UTF-8 text. */
export const textIn = (frame: Frame): string => frame.bytes.toString('utf8', payloadAt(frame), frame.end);

const clamp16 = (count: number): number => (count > 0xffff ? 0xffff : count > 0 ? Math.floor(count) : 0);
