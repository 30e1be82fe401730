/*
 * Event names are few and come again with every frame. Turning them into bytes and back is a call into the
 * runtime each; looking them up here is not.
 */
/** Names remembered in each direction. */
const ENTRIES = 256;
/** Longer names are not remembered, in bytes. */
const LONGEST = 64;
const encoded = new Map();
/** `name` in UTF-8. */
export function bytesOfName(name) {
    let bytes = encoded.get(name);
    if (bytes === undefined) {
        bytes = Buffer.from(name);
        if (bytes.length > LONGEST)
            return bytes;
        if (encoded.size === ENTRIES)
            encoded.clear();
        encoded.set(name, bytes);
    }
    return bytes;
}
const decoded = Array.from({ length: ENTRIES });
/** The UTF-8 name at `start` to `end` of `source`. */
export function nameIn(source, start, end) {
    const length = end - start;
    if (length === 0)
        return '';
    if (length > LONGEST)
        return source.toString('utf8', start, end);
    const slot = (length * 31 + source[start] * 7 + source[start + (length >> 1)] * 3 + source[end - 1]) & (ENTRIES - 1);
    const known = decoded[slot];
    if (known !== undefined && isAt(source, start, length, known.bytes))
        return known.name;
    const name = source.toString('utf8', start, end);
    decoded[slot] = { bytes: Uint8Array.prototype.slice.call(source, start, end), name };
    return name;
}
function isAt(source, start, length, bytes) {
    if (bytes.length !== length)
        return false;
    for (let i = 0; i < length; i++) {
        if (source[start + i] !== bytes[i])
            return false;
    }
    return true;
}
//# sourceMappingURL=name-cache.js.map