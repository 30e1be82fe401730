import { Packr } from 'msgpackr';
import { DefaultDeserializer, serialize } from 'node:v8';
import { ByteRange } from './byte-range.js';
import { ClusterError, PayloadNotCloneableError, PayloadTooLargeError } from '../errors/errors.js';
import { isCarried } from './msgpack-safe.js';
import { decodeSmall, encodeSmall, SMALL } from './small.js';
import { findUncloneable, holdsCause } from './uncloneable.js';
import { reasonOf } from '../errors/read-error.js';

/** A payload as it arrived, for `decode`. */
export type Encoded = Uint8Array | ByteRange;

/*
 * The wire has three formats, which differ in their first byte. Small values have a format of their own. msgpackr
 * decodes several times faster than V8's serialiser, and carries nearly everything else that real payloads contain.
 * V8's carries the rest, and decides what cannot be cloned. A V8 document starts with 0xff; in msgpack that byte is
 * the whole document "-1", so the two cannot be confused.
 */
const V8_MARK = 0xff;

/** "No data", the most common payload, is encoded as no bytes at all. */
const NOTHING = new Uint8Array(0);

/** msgpackr packs into a slab and never shrinks it; after a payload larger than this, in bytes, it gets a new one. */
const SLAB = 64 * 1024;

const packr = new Packr({
  moreTypes: true,
  structuredClone: true,
  // Class instances are sent as their own enumerable properties, as with structuredClone.
  useToJSON: false,
  // Decoded buffers own their memory, because the bytes they come from are a socket's chunk.
  copyBuffers: true,
});

/**
 * Encodes `value` by the rules of structuredClone: Date, Map, Set, BigInt, RegExp, Error, Buffer, typed
 * arrays, cycles and repeated references survive. Unlike with structuredClone, a Buffer stays a Buffer and an
 * error keeps its name. As there, class instances become plain objects and an error's own properties are
 * lost. Named properties that were added to an array are not sent.
 *
 * The bytes may be a view of a larger ArrayBuffer; they stay valid as long as they are referenced.
 *
 * @param event names the payload in error messages
 * @param limit largest result, in bytes
 * @throws PayloadNotCloneableError for functions, symbols and everything else that structuredClone refuses, at any depth
 * @throws PayloadTooLargeError over `limit`
 */
export function encode(event: string, value: unknown, limit: number): Uint8Array {
  if (value === undefined) return NOTHING;
  const bytes = serialise(event, value, limit);
  if (bytes.length > limit) throw new PayloadTooLargeError(event, bytes.length, limit);
  return bytes;
}

/**
 * Decodes what `encode` has returned. The value shares no memory with `encoded`.
 *
 * @throws Error if the bytes were not written by `encode`
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

/** The whole memory that contained the last short payload: its neighbours are likely to come next. */
let memory: Buffer = Buffer.alloc(0);
const range = { start: 0, end: 0 };

/**
 * msgpackr creates a DataView for every buffer that it reads. For many payloads in one chunk, this creates only one.
 */
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
    // If it is over the limit, the other formats may need fewer bytes.
    if (small !== undefined && small.length <= limit) return small;
    return isCarried(value) ? pack(value) : serialiseV8(value);
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    throw new PayloadNotCloneableError(event, uncloneableIn(value) ?? `it holds ${reason(error)}`, { cause: error });
  }
}

/** How many documents are being packed: a getter may call `encode` again. */
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
    // Up to the next document it also remembers the shapes of its objects, whose keys may be data.
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

/** A value that cannot be encoded may also throw when it is inspected. */
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
    throw new Error('an error that is its own cause, directly or through other causes');
  }
  return bytes;
}

function decodeV8(bytes: Uint8Array): unknown {
  const deserializer = new OwningDeserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

/** V8's deserialiser creates typed arrays and Buffers that are views of its input; these are copies. */
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

/** Node 20's V8 writes an error that is its own cause, and cannot read it back. Checked last, as it needs the above. */
const READS_CYCLIC_CAUSES = readsCyclicCauses();
