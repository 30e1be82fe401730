import { createHash } from 'node:crypto';

const NOTHING = new Uint8Array(0);

/** Bytes that say how long the header is. */
const LENGTH = 4;

/** A header as JSON, then the payload as it is. */
export function pack(header: object, payload: Uint8Array = NOTHING): Uint8Array {
  const head = Buffer.from(JSON.stringify(header));
  const message = Buffer.allocUnsafe(LENGTH + head.length + payload.length);
  message.writeUInt32BE(head.length, 0);
  head.copy(message, LENGTH);
  message.set(payload, LENGTH + head.length);
  return message;
}

/** What `pack` was given. @throws Error for anything that it did not make */
export function unpack<Header>(message: Uint8Array): { readonly header: Header; readonly payload: Uint8Array } {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const start = LENGTH + bytes.readUInt32BE(0);
  if (start > bytes.length) throw new RangeError('The header is cut off.');
  const header: unknown = JSON.parse(bytes.toString('utf8', LENGTH, start));
  if (typeof header !== 'object' || header === null) throw new TypeError('The header is no object.');
  // The engine may use its buffer again; a payload is kept until it was decoded.
  return { header: header as Header, payload: Buffer.from(bytes.subarray(start)) };
}

/** Letters and digits that stand for any name: event names and keys are free text, subjects are not. */
export function tokenOf(...names: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 32);
}
