import { types } from 'node:util';

/** How many characters of the path to a value are shown. */
const MAX_WAY = 200;

/** The search stops after this many values: it is only for an error message. */
const MAX_VISITS = 1_000_000;

/** A part of a value, and its path from the value that contains it. */
interface Part {
  readonly value: unknown;
  readonly key: string;
  readonly inArray: boolean;
  readonly holder: Part | undefined;
}

/**
 * Names the part of `value` that structuredClone refuses, and where it is: `a function 'run' at jobs[3].run`. Undefined
 * if it finds nothing. Slow and thorough: it is for an error message, after encoding has failed.
 */
export function findUncloneable(value: unknown): string | undefined {
  for (const part of partsOf(value)) {
    const culprit = refuse(part.value);
    if (culprit !== undefined) return part.holder === undefined ? culprit : `${culprit} at ${wayTo(part)}`;
  }
  return undefined;
}

/** Whether an error in `value` has a cause that is an object. */
export function holdsCause(value: unknown): boolean {
  for (const { value: part } of partsOf(value)) {
    if (types.isNativeError(part) && typeof part.cause === 'object' && part.cause !== null) return true;
  }
  return false;
}

/** `value` and its parts, nearest first, each object once. Primitive values are left out, except symbols. */
function* partsOf(value: unknown): Iterable<Part> {
  const seen = new Set<object>();
  // A queue and not recursion, because the value may be what overflowed the stack.
  const queue: Part[] = [{ value, key: '', inArray: false, holder: undefined }];
  for (const part of queue) {
    yield part;
    const { value } = part;
    if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) continue;
    if (queue.length > MAX_VISITS) continue;
    seen.add(value);
    // Pushed one by one: as arguments of one call, many would overflow the stack.
    for (const child of childrenOf(value, part)) queue.push(child);
  }
}

function refuse(value: unknown): string | undefined {
  if (typeof value === 'function') return nameOf(value);
  if (typeof value === 'symbol') return `a symbol (${String(value)})`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (types.isPromise(value)) return 'a Promise (await it first)';
  if (types.isWeakMap(value)) return 'a WeakMap';
  if (types.isWeakSet(value)) return 'a WeakSet';
  if (types.isGeneratorObject(value)) return 'a generator';
  if (types.isSharedArrayBuffer(value)) return 'a SharedArrayBuffer';
  if (isWeakRef(value)) return 'a WeakRef';
  return undefined;
}

function nameOf(value: Function): string {
  const name = read(value, 'name');
  return typeof name === 'string' && name !== '' ? `a function '${name}'` : 'a function';
}

function isWeakRef(value: object): boolean {
  try {
    return value instanceof WeakRef;
  } catch {
    return false;
  }
}

function* childrenOf(value: object, holder: Part): Iterable<Part> {
  const child = (key: string, value: unknown, inArray = false): Part => ({ value, key, inArray, holder });
  if (types.isMap(value)) {
    for (const [key, item] of entriesOf.call(value)) {
      if (isOfInterest(key)) yield child('a Map key', key);
      if (isOfInterest(item)) yield child(`Map value of ${describeKey(key)}`, item);
    }
    return;
  }
  if (types.isSet(value)) {
    for (const item of membersOf.call(value)) if (isOfInterest(item)) yield child('a Set member', item);
    return;
  }
  const inArray = isArray(value);
  for (const key of keysOf(value)) {
    const item = read(value, key);
    if (isOfInterest(item)) yield child(key, item, inArray);
  }
  if (types.isNativeError(value)) yield child('cause', read(value, 'cause'));
}

function isOfInterest(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol';
}

/** The built-in iterators, because an app's own Map may have another one, which may be endless. */
const entriesOf = Map.prototype.entries;
const membersOf = Set.prototype.values;

function keysOf(value: object): string[] {
  try {
    return Object.keys(value);
  } catch {
    return [];
  }
}

function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** Returns undefined for a getter that throws: its error has already been reported as the cause. */
function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** The path to a part. If it is long, only its end is shown, because that is where the problem is. */
function wayTo(part: Part): string {
  let way = '';
  for (let at = part; at.holder !== undefined; at = at.holder) {
    const step = at.inArray ? `[${at.key}]` : at.holder.holder === undefined ? at.key : `.${at.key}`;
    way = `${step}${way}`;
    if (way.length > MAX_WAY) return `…${way.slice(-MAX_WAY)}`;
  }
  return way;
}

function describeKey(key: unknown): string {
  return typeof key === 'object' && key !== null ? 'an object' : typeof key === 'function' ? 'a function' : String(key);
}
