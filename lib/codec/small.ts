import { BytesCache } from './bytes-cache.js';
import { isOfPlainClass, isWellFormed } from './msgpack-safe.js';

/*
 * Most payloads are small: a few numbers and short texts in one or two objects, and answers with a single value.
 * A format for these alone is written and read in half the time of a general one, which spends much of its time on
 * distinguishing types that do not occur here.
 *
 * A document is SMALL, then a value: a tag and its content. Numbers are little-endian. An OBJECT is the length of the
 * rest, u16; its values; its keys, each followed by 0; and the total length of the keys, u16. The keys come last
 * because the writer knows them only after it has visited all of them; for a known shape, it copies them as a whole.
 */

/** The first byte of a document. In MessagePack it is the whole document "-2", so a longer one is never MessagePack. */
export const SMALL = 0xfe;

const Tag = {
  NULL: 0,
  UNDEFINED: 1,
  FALSE: 2,
  TRUE: 3,
  /** i32 */
  INT: 4,
  /** f64 */
  DOUBLE: 5,
  /** u16 length and bytes */
  ASCII: 6,
  /** u16 length and bytes */
  UTF8: 7,
  /** f64: ms since 1970 */
  DATE: 8,
  /** u16 count and values */
  LIST: 9,
  OBJECT: 10,
  /** u16 length and bytes: a Buffer */
  BYTES: 11,
} as const;

/** Largest document, in bytes: beyond this size, the format is not what costs time. */
const LARGEST = 4 * 1024;

/** The most objects in a document, because each is compared with all others. */
const MOST_OBJECTS = 8;

/** The most bytes that a value of fixed length takes, or the header of a value of variable length. */
const FIXED = 9;

/**
 * Texts up to this length are written character by character; longer ones by a call of the runtime. In UTF-16 units.
 */
const SHORT_TEXT = 24;

/** Size of the memory that documents are allocated from, in bytes. */
const SLAB = 64 * 1024;

/** The most bytes that the keys of an object take together. Objects of some forty keys are below it. */
const LONGEST_KEYS = 1024;

/** After this many shape transitions all shapes are dropped: keys may be data, without an end. */
const MOST_SHAPES = 1024;

/**
 * The functions that `toString('latin1', …)` and `write(…)` call after they have checked their arguments, which takes a
 * third of their time. They are not documented, but as old as Buffers; msgpackr uses them, too.
 */
const { latin1Slice, utf8Slice, utf8Write } = Buffer.prototype as Buffer & {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number): number;
};

/** The keys that an object has so far, and the shapes with one more key. */
class Shape {
  private lastKey: string | undefined;
  private last: Shape | undefined;
  private readonly nexts = new Map<string, Shape>();

  /** @param keys the keys in their written form */
  constructor(readonly keys: Uint8Array) {}

  /** The shape with one more key; undefined if its keys cannot be written. */
  with(key: string): Shape | undefined {
    return this.lastKey === key ? this.last : this.find(key);
  }

  private find(key: string): Shape | undefined {
    let next = this.nexts.get(key);
    if (next === undefined) {
      const keys = keysWith(this.keys, key);
      if (keys === undefined) return undefined;
      next = new Shape(keys);
      this.nexts.set(key, next);
      shapes++;
    }
    this.lastKey = key;
    this.last = next;
    return next;
  }
}

function keysWith(keys: Uint8Array, key: string): Uint8Array | undefined {
  // Names that every object inherits cannot always be assigned to.
  if (keys.length + key.length + 1 > LONGEST_KEYS || key in Object.prototype) return undefined;
  const written = Buffer.from(`${key}\0`);
  const isAscii = written.length === key.length + 1 && !key.includes('\0');
  return isAscii ? Buffer.concat([keys, written]) : undefined;
}

let empty = new Shape(new Uint8Array(0));
let shapes = 0;

let slab = Buffer.allocUnsafeSlow(SLAB);
/** Where the next byte is written. */
let at = 0;
/** Where the current document must end. */
let end = 0;
/** The objects that were written into the current document. */
const written = Array.from<object | undefined>({ length: MOST_OBJECTS });
let writtenCount = 0;
let isWriting = false;

const double = new Float64Array(1);
const bytesOfDouble = new Uint8Array(double.buffer);
/** XOR this with the index of a byte of `double` to get its index in a document: 0 on little-endian machines. */
const FLIP = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 0 : 7;

/**
 * Encodes a small value; undefined if `value` is not small. Small values are null, booleans, numbers, strings, and up
 * to eight dates, Buffers, objects without a class or of a plain one, and lists of these and undefined, each only
 * once.
 */
export function encodeSmall(value: unknown): Uint8Array | undefined {
  // A getter may call this function again.
  if (isWriting) return undefined;
  if (SLAB - at < LARGEST) {
    slab = Buffer.allocUnsafeSlow(SLAB);
    at = 0;
  }
  const start = at;
  end = at + LARGEST;
  slab[at++] = SMALL;
  let isWritten = false;
  isWriting = true;
  try {
    isWritten = write(value);
  } finally {
    isWriting = false;
    forget();
    if (!isWritten) at = start;
  }
  return isWritten ? new Uint8Array(slab.buffer, start, at - start) : undefined;
}

/** Returns false if the document cannot hold the value. */
function write(value: unknown): boolean {
  if (at + FIXED > end) return false;
  switch (typeof value) {
    case 'number':
      writeNumber(value);
      return true;
    case 'string':
      return writeText(value);
    case 'boolean':
      slab[at++] = value ? Tag.TRUE : Tag.FALSE;
      return true;
    case 'undefined':
      slab[at++] = Tag.UNDEFINED;
      return true;
    case 'object':
      if (value !== null) return writeObject(value);
      slab[at++] = Tag.NULL;
      return true;
    default:
      return false;
  }
}

function writeNumber(value: number): void {
  if ((value | 0) !== value || (value === 0 && 1 / value < 0)) return writeDouble(Tag.DOUBLE, value);
  slab[at] = Tag.INT;
  slab[at + 1] = value;
  slab[at + 2] = value >> 8;
  slab[at + 3] = value >> 16;
  slab[at + 4] = value >> 24;
  at += 5;
}

function writeDouble(tag: number, value: number): void {
  double[0] = value;
  slab[at] = tag;
  for (let i = 0; i < 8; i++) slab[at + 1 + i] = bytesOfDouble[i ^ FLIP]!;
  at += 9;
}

function writeText(text: string): boolean {
  const { length } = text;
  if (at + 3 + 3 * length > end) return false;
  const size = length <= SHORT_TEXT ? writeShort(text) : utf8Write.call(slab, text, at + 3);
  // If there are as many bytes as characters, all are ASCII. Half a surrogate pair would become U+FFFD.
  if (size !== length && !isWellFormed(text)) return false;
  slab[at] = size === length ? Tag.ASCII : Tag.UTF8;
  writeLength(at + 1, size);
  at += 3 + size;
  return true;
}

function writeShort(text: string): number {
  const { length } = text;
  const start = at + 3;
  let all = 0;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    all |= unit;
    slab[start + i] = unit;
  }
  return all < 0x80 ? length : utf8Write.call(slab, text, start);
}

function writeObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (!note(value)) return false;
  if (prototype === Object.prototype || prototype === null) return writeProperties(value as Record<string, unknown>);
  if (prototype === Array.prototype) return writeItems(value as unknown[]);
  if (prototype === Buffer.prototype) return writeBytes(value as Buffer);
  if (prototype === Date.prototype) {
    writeDouble(Tag.DATE, (value as Date).getTime());
    return true;
  }
  return isOfPlainClass(prototype) && writeProperties(value as Record<string, unknown>);
}

/** Returns false if there are too many objects, or if this one was written before. */
function note(value: object): boolean {
  for (let i = 0; i < writtenCount; i++) if (written[i] === value) return false;
  if (writtenCount === MOST_OBJECTS) return false;
  written[writtenCount++] = value;
  return true;
}

function forget(): void {
  while (writtenCount > 0) written[--writtenCount] = undefined;
}

function writeBytes(bytes: Buffer): boolean {
  const { length } = bytes;
  if (at + 3 + length > end) return false;
  slab[at] = Tag.BYTES;
  writeLength(at + 1, length);
  slab.set(bytes, at + 3);
  at += 3 + length;
  return true;
}

const { hasOwnProperty } = Object.prototype;

function writeProperties(object: Record<string, unknown>): boolean {
  if (shapes > MOST_SHAPES) {
    empty = new Shape(new Uint8Array(0));
    shapes = 0;
  }
  slab[at] = Tag.OBJECT;
  const start = (at += 3);
  let shape = empty;
  for (const key in object) {
    // An inherited key: a property was added to Object.prototype.
    if (!hasOwnProperty.call(object, key)) return false;
    const next = shape.with(key);
    if (next === undefined || !write(object[key])) return false;
    shape = next;
  }
  const { keys } = shape;
  const { length } = keys;
  if (at + length + 2 > end) return false;
  for (let i = 0; i < length; i++) slab[at + i] = keys[i]!;
  at += length;
  writeLength(at, length);
  at += 2;
  writeLength(start - 2, at - start);
  return true;
}

function writeItems(list: unknown[]): boolean {
  const { length } = list;
  if (at + 3 + length > end) return false;
  slab[at] = Tag.LIST;
  writeLength(at + 1, length);
  at += 3;
  for (let i = 0; i < length; i++) {
    const item = list[i];
    if ((item === undefined && !(i in list)) || !write(item)) return false;
  }
  return true;
}

function writeLength(where: number, length: number): void {
  slab[where] = length;
  slab[where + 1] = length >> 8;
}

/** The bytes that are being read, the position in them, and where to stop. */
let source: Uint8Array = slab;
let from = 0;
let to = 0;

/**
 * Decodes what `encodeSmall` has returned.
 *
 * @throws Error if the bytes from `start` to `end` were not written by `encodeSmall`
 */
export function decodeSmall(bytes: Uint8Array, start: number, end: number): unknown {
  if (end - start > LARGEST) throw malformed();
  source = bytes;
  from = start + 1;
  to = end;
  const value = read();
  if (from !== to) throw malformed();
  return value;
}

function read(): unknown {
  switch (source[from++]) {
    case Tag.NULL:
      return null;
    case Tag.UNDEFINED:
      return undefined;
    case Tag.FALSE:
      return false;
    case Tag.TRUE:
      return true;
    case Tag.INT: {
      const start = advance(4);
      return source[start]! | (source[start + 1]! << 8) | (source[start + 2]! << 16) | (source[start + 3]! << 24);
    }
    case Tag.DOUBLE:
      return readDouble();
    case Tag.ASCII:
      return latin1Slice.call(source, advance(readLength()), from);
    case Tag.UTF8:
      return utf8Slice.call(source, advance(readLength()), from);
    case Tag.BYTES:
      return Buffer.from(Uint8Array.prototype.slice.call(source, advance(readLength()), from).buffer);
    case Tag.DATE:
      return new Date(readDouble());
    case Tag.LIST:
      return readItems();
    case Tag.OBJECT:
      return readProperties();
    default:
      throw malformed();
  }
}

function readDouble(): number {
  const start = advance(8);
  for (let i = 0; i < 8; i++) bytesOfDouble[i ^ FLIP] = source[start + i]!;
  return double[0]!;
}

function readItems(): unknown[] {
  const length = readLength();
  // Each item has a tag.
  if (length > to - from) throw malformed();
  const list: unknown[] = [];
  for (let i = 0; i < length; i++) list.push(read());
  return list;
}

const keysIn = new BytesCache((bytes: Uint8Array, start, stop): readonly string[] => {
  const keys = latin1Slice.call(bytes, start, stop).split('\0');
  // Nothing may follow the last key.
  if (keys.pop() !== '' || keys.includes('__proto__')) throw malformed();
  return keys;
});

function readProperties(): Record<string, unknown> {
  const size = readLength();
  const outer = to;
  const lengthAt = from + size - 2;
  if (size < 2 || lengthAt + 2 > outer) throw malformed();
  to = lengthAt - lengthIn(lengthAt);
  if (to < from) throw malformed();
  const keys = keysIn.get(source, to, lengthAt);
  const object: Record<string, unknown> = {};
  for (let i = 0; i < keys.length; i++) object[keys[i]!] = read();
  if (from !== to) throw malformed();
  from = lengthAt + 2;
  to = outer;
  return object;
}

function readLength(): number {
  return lengthIn(advance(2));
}

function lengthIn(where: number): number {
  return source[where]! | (source[where + 1]! << 8);
}

/** Skips this many bytes; returns where they start. */
function advance(bytes: number): number {
  const start = from;
  from += bytes;
  if (from > to) throw malformed();
  return start;
}

const malformed = (): Error => new Error('These bytes are no payload that encode() has returned.');
