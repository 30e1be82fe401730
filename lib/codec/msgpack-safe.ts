/*
 * Checks what msgpackr carries without loss. It writes whatever it does not know as a plain object (a Promise
 * becomes {}), turns -0 into 0, rebuilds an AggregateError wrongly, and is permanently confused by a property
 * named `__keys__`. Checking the value beforehand avoids all that for a fraction of the cost of encoding.
 */

/** V8 encodes deeper values, and so all cyclic ones. */
const MAX_DEPTH = 100;

/** The check stops after this many values: shared references can make a small graph a huge tree. */
const MAX_VISITS = 500_000;

const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype).constructor as Function;

/** Prototypes of types that msgpackr knows and that contain no further values. */
const LEAVES = new Set<object | null>(
  [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ]
    // msgpackr finds them by instanceof, which fails for those of another realm (jest mixes two).
    .filter((type) => type.prototype instanceof TYPED_ARRAY)
    .map((type): object => type.prototype)
    .concat([Date.prototype, RegExp.prototype, ArrayBuffer.prototype, DataView.prototype, Buffer.prototype]),
);

/** msgpackr remembers keys for a while, so V8 encodes objects with longer ones; in UTF-16 units. */
const LONGEST_KEY = 1024;

/** Names that msgpackr would look up in a table and mistake for something else. */
const isMisreadName = (name: string): boolean => name === 'AggregateError' || name in Object.prototype;

/** ES2024. Every supported Node has it, but the library setting of the compiler does not. */
type WellFormed = string & { isWellFormed(): boolean };

/** Ill-formed strings are excluded, because half a surrogate pair becomes U+FFFD in UTF-8. */
export const isWellFormed = (text: string): boolean => (text as WellFormed).isWellFormed();

/**
 * Keys that msgpackr renames (`__proto__`), that collide with its own bookkeeping (`__keys__`), or that mislead it
 * about the object (it dispatches on `constructor` and calls `hasOwnProperty`).
 */
const isMisreadKey = (key: string): boolean =>
  key.length > LONGEST_KEY ||
  !isWellFormed(key) ||
  key === '__proto__' ||
  key === '__keys__' ||
  key === 'constructor' ||
  key === 'hasOwnProperty';

let visits = 0;

/** Whether msgpackr carries `value` without loss. */
export function isCarried(value: unknown): boolean {
  // A getter may call this function again.
  const outer = visits;
  visits = 0;
  try {
    return carried(value, 0);
  } finally {
    visits = outer;
  }
}

function carried(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return isWellFormed(value);
    case 'number':
      return value !== 0 || !Object.is(value, -0);
    case 'object':
      return value === null || (++visits < MAX_VISITS && depth < MAX_DEPTH && carriedObject(value, depth + 1));
    case 'function':
    case 'symbol':
      return false;
    default:
      return true;
  }
}

function carriedObject(value: object, depth: number): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null) return carriedProperties(value, depth);
  if (prototype === Array.prototype) return carriedItems(value as unknown[], depth);
  if (LEAVES.has(prototype)) return true;
  if (prototype === Map.prototype)
    return iteratesAsBuilt(value) && carriedEntries(value as Map<unknown, unknown>, depth);
  if (prototype === Set.prototype) return iteratesAsBuilt(value) && carriedMembers(value as Set<unknown>, depth);
  if (value instanceof Error) return carriedError(value, depth);
  return isOfPlainClass(prototype) && carriedProperties(value, depth);
}

function carriedProperties(object: object, depth: number): boolean {
  // Inherited properties are not sent. An enumerable one that cannot be carried is rare, so V8 may do the work then.
  for (const key in object) {
    if (isMisreadKey(key) || !carried((object as Record<string, unknown>)[key], depth)) return false;
  }
  return true;
}

function carriedItems(array: unknown[], depth: number): boolean {
  for (let i = 0; i < array.length; i++) {
    const item = array[i];
    if (item === undefined ? !(i in array) : !carried(item, depth)) return false;
  }
  return true;
}

/** An object with its own iterator or size may be endless, or have another length than it reports; V8 uses neither. */
function iteratesAsBuilt(value: object): boolean {
  return !Object.hasOwn(value, Symbol.iterator) && !Object.hasOwn(value, 'size');
}

function carriedEntries(map: Map<unknown, unknown>, depth: number): boolean {
  for (const [key, value] of map) {
    if (!carried(key, depth) || !carried(value, depth)) return false;
  }
  return true;
}

function carriedMembers(set: Set<unknown>, depth: number): boolean {
  for (const member of set) {
    if (!carried(member, depth)) return false;
  }
  return true;
}

function carriedError({ name, message, cause }: Error, depth: number): boolean {
  if (typeof name !== 'string' || typeof message !== 'string' || isMisreadName(name)) return false;
  return carried(cause, depth);
}

const plainClasses = new WeakMap<object, boolean>();

/** Whether instances of `prototype` are ordinary objects: no class in its chain, up to Object, is a built-in. */
export function isOfPlainClass(prototype: object): boolean {
  let plain = plainClasses.get(prototype);
  if (plain === undefined) {
    plain = true;
    for (let at: object | null = prototype; plain && at !== Object.prototype && at !== null;) {
      plain = Object.hasOwn(at, 'constructor') && !isBuiltIn(at.constructor);
      at = Object.getPrototypeOf(at) as object | null;
    }
    plainClasses.set(prototype, plain);
  }
  return plain;
}

function isBuiltIn(constructor: unknown): boolean {
  return (
    typeof constructor !== 'function' ||
    /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(constructor))
  );
}
