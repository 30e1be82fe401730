import { createHash } from 'node:crypto';
import { hostTime } from '../platform/clock.js';
import { ownVersion } from '../platform/own-version.js';
import { ThrottledWarning } from '../platform/throttled-warning.js';

/** A header as it came. */
export type Fields = Readonly<Record<string, unknown>>;

/** Said by whoever cannot read a message; it holds nothing of the message. */
export class Unreadable extends Error {}

const NOTHING = new Uint8Array(0);

/**
 * Version of what members say to each other and keep at the broker; a part of every header. It is raised where members of
 * another version would not understand, or misunderstand: not for a field or a type that is new, which they leave out.
 */
export const WIRE_VERSION = 2;

/** What a version of the package looks like. */
const RELEASE = /^\d+\.\d+\.\d+[\w.+-]{0,40}$/;

/** Said by whoever is not of that version, the `discover` of a new member first of all. */
export class OtherVersion extends Unreadable {
  /** The release that speaks it, where the message names one. */
  readonly release: string | undefined;

  constructor(
    readonly version: unknown,
    release: unknown,
  ) {
    const other = Number.isSafeInteger(version) ? `version ${String(version)}` : 'no version that is known';
    super(`messages of ${other}, and this process speaks version ${WIRE_VERSION}`);
    this.release = typeof release === 'string' && RELEASE.test(release) ? release : undefined;
  }
}

/** Bytes that say how long the header is. */
const LENGTH = 4;

/** A header and what came behind it. */
export interface Unpacked<Header> {
  readonly header: Header;
  readonly payload: Uint8Array;
}

/** A header as JSON, then the payload as it is. */
export function pack(header: object, payload: Uint8Array = NOTHING): Uint8Array {
  const head = Buffer.from(JSON.stringify({ v: WIRE_VERSION, ...header }));
  const message = Buffer.allocUnsafe(LENGTH + head.length + payload.length);
  message.writeUInt32BE(head.length, 0);
  head.copy(message, LENGTH);
  message.set(payload, LENGTH + head.length);
  return message;
}

/**
 * What `pack` was given, as far as `shape` accepts it.
 *
 * @throws Unreadable for anything else; it quotes nothing of the message
 */
export function unpack<Header>(message: Uint8Array, shape: (header: Fields) => Header): Unpacked<Header> {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  if (bytes.length < LENGTH) throw new Unreadable('it is shorter than its length says');
  const start = LENGTH + bytes.readUInt32BE(0);
  if (start > bytes.length) throw new Unreadable('its header is cut off');
  const header = parsed(bytes.toString('utf8', LENGTH, start));
  if (typeof header !== 'object' || header === null) throw new Unreadable('its header is no object');
  const { v, release } = header as Fields;
  if (v !== WIRE_VERSION) throw new OtherVersion(v, release);
  // The engine may use its buffer again; a payload is kept until it was decoded.
  return { header: shape(header as Fields), payload: Buffer.from(bytes.subarray(start)) };
}

/** What JSON.parse says quotes what it could not read. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreadable('its header is no JSON');
  }
}

/**
 * The one place where what comes from a broker is read. What cannot be read is dropped, counted and warned of now and
 * then: anybody who may publish there can send it, as often as he likes.
 */
export class Reader {
  private readonly unreadable: ThrottledWarning;
  private readonly otherVersion: ThrottledWarning;
  /** Of the package in the processes of another version, as far as heard: hellos and heartbeats name it. */
  private otherRelease: string | undefined;

  constructor(engine: string, warn: (message: string) => void) {
    this.unreadable = new ThrottledWarning(
      warn,
      hostTime,
      (count, reason) =>
        `${count} message(s) from ${engine} could not be read, the last: ${reason}. Let nobody else publish to ` +
        `this cluster's subjects, and run versions of nestjs-cluster that know each other.`,
    );
    this.otherVersion = new ThrottledWarning(
      warn,
      hostTime,
      (count, reason) =>
        `${count} message(s) from ${engine} could not be read: members of another version of nestjs-cluster` +
        `${this.otherRelease === undefined ? '' : ` (${this.otherRelease})`} are in this cluster, and do not understand those ` +
        `of this one (${ownVersion()}): ${reason}. Update all hosts, or give those of each version another messenger.cluster.`,
    );
  }

  /** How many could not be read. */
  get dropped(): number {
    return this.unreadable.count + this.otherVersion.count;
  }

  /** What a record or a task says; undefined where it cannot be read. */
  read<Header>(message: Uint8Array, shape: (header: Fields) => Header): Unpacked<Header> | undefined {
    try {
      return unpack(message, shape);
    } catch (error) {
      this.drop(error);
      return undefined;
    }
  }

  /** Gives a message to `take`. Never throws: whoever calls it is the client's own reader. */
  take<Header>(
    message: Uint8Array,
    shape: (header: Fields) => Header,
    take: (header: Header, payload: Uint8Array) => void,
  ): void {
    try {
      const { header, payload } = unpack(message, shape);
      take(header, payload);
    } catch (error) {
      this.drop(error);
    }
  }

  /** Counts one more that could not be read. */
  drop(error: unknown): void {
    if (error instanceof OtherVersion) {
      this.otherRelease = error.release ?? this.otherRelease;
      return this.otherVersion.due(error.message);
    }
    // What is no `Unreadable` is a mistake of ours, and its text may be of the message.
    this.unreadable.due(error instanceof Unreadable ? error.message : `it gave an error (${nameOf(error)})`);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

/** Letters and digits that stand for any name: event names and keys are free text, subjects are not. */
export function tokenOf(...names: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 32);
}
