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
export declare function encode(event: string, value: unknown, limit: number): Uint8Array;
/**
 * The value that `encode` was given; what it returns shares no memory with `bytes`.
 *
 * @throws Error where `bytes` are not what `encode` gave
 */
export declare function decode(bytes: Uint8Array): unknown;
