import { types } from 'node:util';
/**
 * Names what in `value` structuredClone refuses, and where: `a function 'run' at jobs[3].run`. Undefined
 * where it finds nothing. Slow and thorough: for the message of an error, after encoding failed.
 */
export function findUncloneable(value) {
    const seen = new Set();
    // A queue and not recursion: the value may be what overflowed the stack.
    const queue = [{ at: '', value }];
    for (const { at, value } of queue) {
        const culprit = refuse(value);
        if (culprit !== undefined)
            return at === '' ? culprit : `${culprit} at ${at}`;
        if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value))
            continue;
        seen.add(value);
        queue.push(...children(value, at));
    }
    return undefined;
}
function refuse(value) {
    if (typeof value === 'function')
        return value.name === '' ? 'a function' : `a function '${value.name}'`;
    if (typeof value === 'symbol')
        return `a symbol (${String(value)})`;
    if (typeof value !== 'object' || value === null)
        return undefined;
    if (types.isPromise(value))
        return 'a Promise (await it first)';
    if (types.isWeakMap(value))
        return 'a WeakMap';
    if (types.isWeakSet(value))
        return 'a WeakSet';
    if (types.isGeneratorObject(value))
        return 'a generator';
    if (types.isSharedArrayBuffer(value))
        return 'a SharedArrayBuffer';
    if (value instanceof WeakRef)
        return 'a WeakRef';
    return undefined;
}
function children(value, at) {
    if (types.isMap(value)) {
        return [...value].flatMap(([key, item]) => [
            { at: join(at, 'a Map key'), value: key },
            { at: join(at, `Map value of ${describeKey(key)}`), value: item },
        ]);
    }
    if (types.isSet(value))
        return [...value].map((item) => ({ at: join(at, 'a Set member'), value: item }));
    const inArray = Array.isArray(value);
    const properties = Object.keys(value).map((key) => ({
        at: inArray ? `${at}[${key}]` : join(at, key),
        value: read(value, key),
    }));
    return types.isNativeError(value) ? [...properties, { at: join(at, 'cause'), value: value.cause }] : properties;
}
/** A getter that throws is the cause of the error already; here it is nothing. */
function read(value, key) {
    try {
        return value[key];
    }
    catch {
        return undefined;
    }
}
function join(at, key) {
    return at === '' ? key : `${at}.${key}`;
}
function describeKey(key) {
    return typeof key === 'object' && key !== null ? 'an object' : String(key);
}
//# sourceMappingURL=uncloneable.js.map