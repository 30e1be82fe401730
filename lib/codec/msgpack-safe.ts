/*
 * What msgpackr carries without loss. It writes whatever it does not know as a plain object (a Promise
 * becomes {}), turns -0 into 0, rebuilds an AggregateError wrongly and is confused for good by a property
 * named `__keys__`; a look at the value beforehand rules all that out for a fraction of what encoding costs.
 */

/** Deeper values, and so all cyclic ones, are V8's. */
const MAX_DEPTH = 100;

/** After this many values the look is given up: shared references can make a small graph a huge tree. */
const MAX_VISITS = 500_000;

const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype).constructor as Function;

/** Prototypes whose instances msgpackr knows and that hold no further values. */
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

/** msgpackr remembers keys for a while: longer ones, in UTF-16 units, are V8's. */
const LONGEST_KEY = 1024;

/** Names msgpackr would look up in a table and take something else for. */
const isMisreadName = (name: string): boolean => name === 'AggregateError' || name in Object.prototype;

/** ES2024, in every supported Node; not yet in the library the compiler is set to. */
type WellFormed = string & { isWellFormed(): boolean };

/** In UTF-8 half a surrogate pair becomes U+FFFD. */
export const isWellFormed = (text: string): boolean => (text as WellFormed).isWellFormed();

/**
 * Keys that msgpackr renames (`__proto__`), that collide with its own bookkeeping (`__keys__`), or by which it
 * is misled about the object (it dispatches on `constructor` and calls `hasOwnProperty`).
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
  // A getter may come back here.
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
  // Inherited properties are not sent; where one is enumerable and odd, V8 may as well do the work.
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

/** One with an iterator or a size of its own may have no end, or another than it says; V8 asks for neither. */
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

/** Whether instances of `prototype` are ordinary objects: no class on the way to Object is a built-in. */
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
