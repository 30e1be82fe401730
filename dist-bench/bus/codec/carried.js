/*
 * What msgpackr carries without loss. It writes whatever it does not know as a plain object (a Promise
 * becomes {}), turns -0 into 0, rebuilds an AggregateError wrongly and is confused for good by a property
 * named `__keys__`; a look at the value beforehand rules all that out for a fraction of what encoding costs.
 */
/** Deeper values, and so all cyclic ones, are V8's. */
const MAX_DEPTH = 100;
/** After this many values the look is given up: shared references can make a small graph a huge tree. */
const MAX_VISITS = 500_000;
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype).constructor;
/** Prototypes whose instances msgpackr knows and that hold no further values. */
const LEAVES = new Set([
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
    .map((type) => type.prototype)
    .concat([Date.prototype, RegExp.prototype, ArrayBuffer.prototype, DataView.prototype, Buffer.prototype]));
/** Names msgpackr would look up in a table and take something else for. */
const isMisreadName = (name) => name === 'AggregateError' || name in Object.prototype;
/**
 * Keys that msgpackr renames (`__proto__`), that collide with its own bookkeeping (`__keys__`), or by which it
 * is misled about the object (it dispatches on `constructor` and calls `hasOwnProperty`).
 */
const isMisreadKey = (key) => key === '__proto__' || key === '__keys__' || key === 'constructor' || key === 'hasOwnProperty';
let visits = 0;
/** Whether msgpackr carries `value` without loss; false also for what cannot be carried at all. */
export function isCarried(value) {
    visits = 0;
    return carried(value, 0);
}
function carried(value, depth) {
    switch (typeof value) {
        case 'string':
            // In UTF-8 half a surrogate pair becomes U+FFFD.
            return value.isWellFormed();
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
function carriedObject(value, depth) {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null)
        return carriedProperties(value, depth);
    if (prototype === Array.prototype)
        return carriedItems(value, depth);
    if (LEAVES.has(prototype))
        return true;
    if (prototype === Map.prototype)
        return carriedEntries(value, depth);
    if (prototype === Set.prototype)
        return carriedMembers(value, depth);
    if (value instanceof Error)
        return carriedError(value, depth);
    return isOfPlainClass(prototype) && carriedProperties(value, depth);
}
function carriedProperties(object, depth) {
    // Inherited properties are not sent; where one is enumerable and odd, V8 may as well do the work.
    for (const key in object) {
        if (isMisreadKey(key) || !carried(object[key], depth))
            return false;
    }
    return true;
}
function carriedItems(array, depth) {
    for (let i = 0; i < array.length; i++) {
        const item = array[i];
        if (item === undefined ? !(i in array) : !carried(item, depth))
            return false;
    }
    return true;
}
function carriedEntries(map, depth) {
    for (const [key, value] of map) {
        if (!carried(key, depth) || !carried(value, depth))
            return false;
    }
    return true;
}
function carriedMembers(set, depth) {
    for (const member of set) {
        if (!carried(member, depth))
            return false;
    }
    return true;
}
function carriedError({ name, message, cause }, depth) {
    if (typeof name !== 'string' || typeof message !== 'string' || isMisreadName(name))
        return false;
    return carried(cause, depth);
}
const plainClasses = new WeakMap();
/** Whether instances of `prototype` are ordinary objects: no class on the way to Object is a built-in. */
function isOfPlainClass(prototype) {
    let plain = plainClasses.get(prototype);
    if (plain === undefined) {
        plain = true;
        for (let at = prototype; plain && at !== Object.prototype && at !== null;) {
            plain = Object.hasOwn(at, 'constructor') && !isBuiltIn(at.constructor);
            at = Object.getPrototypeOf(at);
        }
        plainClasses.set(prototype, plain);
    }
    return plain;
}
function isBuiltIn(constructor) {
    return (typeof constructor !== 'function' ||
        /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(constructor)));
}
//# sourceMappingURL=carried.js.map