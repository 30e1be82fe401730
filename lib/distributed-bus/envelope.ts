import { createHash } from 'node:crypto';
import { hostTime } from '../platform/clock.js';
import { ownVersion } from '../platform/own-version.js';
import { ThrottledWarning } from '../platform/throttled-warning.js';

/** A header as it was received, before it is checked. */
export type Fields = Readonly<Record<string, unknown>>;

/** Thrown for a message that cannot be read; its text quotes nothing of the message. */
export class Unreadable extends Error {}

const NOTHING = new Uint8Array(0);

/**
 * Version of the messages between members and of the records at the broker; a part of every header. Raise it when
 * members of another version would not understand a message, or would misunderstand it. A new field or a new type needs
 * no new version, because other members skip it.
 */
export const WIRE_VERSION = 2;

/** What a version of the package looks like. */
const RELEASE = /^\d+\.\d+\.\d+[\w.+-]{0,40}$/;

/** Thrown for a message of another wire version; the first of those is usually the `discover` of a new member. */
export class OtherVersion extends Unreadable {
  /** The release of the package that sent it, if the message names one. */
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

/** Size of the field that holds the length of the header, in bytes. */
const LENGTH = 4;

/** A header and the payload behind it. */
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
 * Returns what `pack` was given, if `shape` accepts it.
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
  // The payload is copied, because the engine may reuse its buffer before the payload is decoded.
  return { header: shape(header as Fields), payload: Buffer.from(bytes.subarray(start)) };
}

/** Replaces the error of JSON.parse, which quotes the text that it could not read. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreadable('its header is no JSON');
  }
}

/**
 * The only place that reads messages from a broker. Those that cannot be read are dropped and counted, with a warning
 * now and then: anybody who may publish at the broker can send any number of them.
 */
export class Reader {
  private readonly unreadable: ThrottledWarning;
  private readonly otherVersion: ThrottledWarning;
  /** Release of the package in the processes of another version, if it was heard: `discover` and heartbeats name it. */
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

  /** How many messages could not be read. */
  get dropped(): number {
    return this.unreadable.count + this.otherVersion.count;
  }

  /** Reads a record or a task; undefined if it cannot be read. */
  read<Header>(message: Uint8Array, shape: (header: Fields) => Header): Unpacked<Header> | undefined {
    try {
      return unpack(message, shape);
    } catch (error) {
      this.drop(error);
      return undefined;
    }
  }

  /** Passes a message to `take`. Never throws, because its caller is the read loop of the broker's client. */
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

  /** Counts a message that could not be read. */
  drop(error: unknown): void {
    if (error instanceof OtherVersion) {
      this.otherRelease = error.release ?? this.otherRelease;
      return this.otherVersion.due(error.message);
    }
    // Any other error is a mistake in this package, and its text may quote the message.
    this.unreadable.due(error instanceof Unreadable ? error.message : `it gave an error (${nameOf(error)})`);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

/**
 * A hash that stands for names in subjects and keys. Event names and keys are free text, which subjects cannot hold.
 */
export function tokenOf(...names: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 32);
}
