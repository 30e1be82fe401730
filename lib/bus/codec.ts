import { Packr } from 'msgpackr';
import { DefaultDeserializer, serialize } from 'node:v8';
import { ClusterError, PayloadNotCloneableError, PayloadTooLargeError } from '../errors/index.js';
import { isCarried } from './codec/carried.js';
import { decodeSmall, encodeSmall, SMALL } from './codec/small.js';
import { findUncloneable } from './codec/uncloneable.js';

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
  const bytes = serialise(event, value);
  if (bytes.length > limit) throw new PayloadTooLargeError(event, bytes.length, limit);
  return bytes;
}

/**
 * The value that `encode` was given; what it returns shares no memory with `bytes`.
 *
 * @throws Error where `bytes` are not what `encode` gave
 */
export function decode(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  const first = bytes[0]!;
  if (first === SMALL && bytes.length > 1) return decodeSmall(bytes);
  if (first === V8_MARK && bytes.length > 1) return decodeV8(bytes);
  return unpack(bytes);
}

/** All of the memory that the last short payload was a part of: its neighbours are likely to come next. */
let memory: Buffer = Buffer.alloc(0);
const range = { start: 0, end: 0 };

/** msgpackr makes a DataView for every buffer it reads; where many payloads came in one chunk, it makes one. */
function unpack(bytes: Uint8Array): unknown {
  const { buffer, byteOffset, length } = bytes;
  if (buffer !== memory.buffer) {
    if (buffer.byteLength > SLAB) return packr.unpack(Buffer.from(buffer, byteOffset, length));
    memory = Buffer.from(buffer);
  }
  range.start = byteOffset;
  range.end = byteOffset + length;
  return packr.unpack(memory, range);
}

function serialise(event: string, value: unknown): Uint8Array {
  try {
    const small = encodeSmall(value);
    if (small !== undefined) return small;
    return isCarried(value) ? pack(value) : serialize(value);
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    throw new PayloadNotCloneableError(event, findUncloneable(value) ?? `it holds ${reason(error)}`, { cause: error });
  }
}

function pack(value: unknown): Buffer {
  const bytes = packr.pack(value);
  if (bytes.length > SLAB) packr.useBuffer(Buffer.allocUnsafeSlow(SLAB));
  return bytes;
}

function reason(error: unknown): string {
  const text = String(error);
  return text.startsWith('RangeError') ? 'objects nested too deeply' : `what cannot be read or cloned (${text})`;
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
