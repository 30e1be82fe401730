import { Packr } from 'msgpackr';
import { DefaultDeserializer, serialize } from 'node:v8';
import { ByteRange } from './byte-range.js';
import { ClusterError, PayloadNotCloneableError, PayloadTooLargeError } from '../errors/errors.js';
import { isCarried } from './msgpack-safe.js';
import { decodeSmall, encodeSmall, SMALL } from './small.js';
import { findUncloneable, holdsCause } from './uncloneable.js';
import { reasonOf } from '../errors/read-error.js';

/** A payload as it came, for `decode`. */
export type Encoded = Uint8Array | ByteRange;

/*
 * Three formats share the wire, told apart by their first byte. What is small has one of its own. msgpackr is several
 * times faster to decode than V8's serialiser and carries nearly everything else that real payloads hold; V8's carries
 * the rest and is the judge of what cannot be cloned. A V8 document starts with 0xff; in msgpack that byte is the whole
 * document "-1", so the two cannot be confused.
 */
const V8_MARK = 0xff;

/** "No data", the commonest payload, is no bytes at all. */
const NOTHING = new Uint8Array(0);

/** msgpackr packs into a slab and never shrinks it, in bytes; after a payload over this it gets a new one. */
const SLAB = 64 * 1024;

const packr = new Packr({
  moreTypes: true,
  structuredClone: true,
  // Class instances travel as their own enumerable properties, as with structuredClone.
  useToJSON: false,
  // Decoded buffers own their memory: the bytes they come from are a socket's chunk.
  copyBuffers: true,
});

/**
 * `value` as bytes, by the rules of structuredClone: Date, Map, Set, BigInt, RegExp, Error, Buffer, typed
 * arrays, cycles and repeated references survive. Beyond structuredClone, a Buffer stays a Buffer and an
 * error keeps its name; like there, class instances become plain objects and an error's own properties are
 * lost. Named properties that somebody added to an array stay behind.
 *
 * The bytes are valid until they are dropped; they may be a view of a larger ArrayBuffer.
 *
 * @param event names the payload in errors
 * @param limit largest result, in bytes
 * @throws PayloadNotCloneableError for functions, symbols and what else structuredClone refuses, at any depth
 * @throws PayloadTooLargeError over `limit`
 */
export function encode(event: string, value: unknown, limit: number): Uint8Array {
  if (value === undefined) return NOTHING;
  const bytes = serialise(event, value, limit);
  if (bytes.length > limit) throw new PayloadTooLargeError(event, bytes.length, limit);
  return bytes;
}

/**
 * The value that `encode` was given; what it returns shares no memory with `encoded`.
 *
 * @throws Error where that is not what `encode` gave
 */
export function decode(encoded: Encoded): unknown {
  if (encoded instanceof ByteRange) return decodePart(encoded.bytes, encoded.start, encoded.end);
  return decodePart(encoded, 0, encoded.length);
}

function decodePart(bytes: Uint8Array, start: number, end: number): unknown {
  if (start === end) return undefined;
  const first = bytes[start]!;
  const isLong = end - start > 1;
  if (first === SMALL && isLong) return decodeSmall(bytes, start, end);
  if (first === V8_MARK && isLong) return decodeV8(bytes.subarray(start, end));
  return unpack(bytes, start, end);
}

/** All of the memory that the last short payload was a part of: its neighbours are likely to come next. */
let memory: Buffer = Buffer.alloc(0);
const range = { start: 0, end: 0 };

/** msgpackr makes a DataView for every buffer it reads; where many payloads came in one chunk, it makes one. */
function unpack({ buffer, byteOffset }: Uint8Array, start: number, end: number): unknown {
  if (buffer !== memory.buffer) {
    if (buffer.byteLength > SLAB) return packr.unpack(Buffer.from(buffer, byteOffset + start, end - start));
    memory = Buffer.from(buffer);
  }
  range.start = byteOffset + start;
  range.end = byteOffset + end;
  return packr.unpack(memory, range);
}

function serialise(event: string, value: unknown, limit: number): Uint8Array {
  try {
    const small = encodeSmall(value);
    // The others may write it in fewer bytes.
    if (small !== undefined && small.length <= limit) return small;
    return isCarried(value) ? pack(value) : serialiseV8(value);
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    throw new PayloadNotCloneableError(event, uncloneableIn(value) ?? `it holds ${reason(error)}`, { cause: error });
  }
}

/** How many documents are being packed: a getter may come back here. */
let packing = 0;

function pack(value: unknown): Buffer {
  packing++;
  let bytes: Buffer;
  try {
    bytes = packr.pack(value);
  } finally {
    packing--;
  }
  if (bytes.length > SLAB && packing === 0) {
    packr.useBuffer(Buffer.allocUnsafeSlow(SLAB));
    // The shapes of its objects, which it remembers too, up to the next document: keys may be data.
    packr.clearSharedData();
    packr.pack(null);
  }
  return bytes;
}

function reason(error: unknown): string {
  const text = reasonOf(error);
  return text.startsWith('RangeError: Maximum call stack')
    ? 'objects nested too deeply'
    : `what cannot be read or cloned (${text})`;
}

/** What refused to be encoded may refuse to be looked at as well. */
function uncloneableIn(value: unknown): string | undefined {
  try {
    return findUncloneable(value);
  } catch {
    return undefined;
  }
}

function readsCyclicCauses(): boolean {
  const error = new Error('itself');
  error.cause = error;
  try {
    decodeV8(serialize(error));
    return true;
  } catch {
    return false;
  }
}

function serialiseV8(value: unknown): Buffer {
  const bytes = serialize(value);
  if (READS_CYCLIC_CAUSES || !holdsCause(value)) return bytes;
  try {
    decodeV8(bytes);
  } catch {
    throw new Error('an error that is, over several causes or one, its own cause');
  }
  return bytes;
}

function decodeV8(bytes: Uint8Array): unknown {
  const deserializer = new OwningDeserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

/** V8's deserialiser makes typed arrays and Buffers that are windows on its input; these are copies. */
class OwningDeserializer extends DefaultDeserializer {
  /** Called by V8 for each typed array, Buffer and DataView. */
  _readHostObject(): NodeJS.ArrayBufferView {
    const view = (DefaultDeserializer.prototype as unknown as OwningDeserializer)._readHostObject.call(this);
    const own = Uint8Array.prototype.slice.call(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)).buffer;
    if (Buffer.isBuffer(view)) return Buffer.from(own);
    const View = view.constructor as new (buffer: ArrayBufferLike) => NodeJS.ArrayBufferView;
    return new View(own);
  }
}

/** The V8 of Node 20 writes an error that is a cause of itself, and cannot read what it wrote. Asked once all is there. */
const READS_CYCLIC_CAUSES = readsCyclicCauses();
