/** The base of all typed arrays. Under Jest, Node's own Uint8Array comes from another realm than the others. */
const TYPED_ARRAYS = [Uint8Array, Float64Array].map((one) => Object.getPrototypeOf(one) as typeof Uint8Array);

/** Payload types that are not a DTO of the app. A Buffer is a typed array. */
const BUILT_IN = [Map, Set, Date, RegExp, Error, ...TYPED_ARRAYS, ArrayBuffer, SharedArrayBuffer, DataView, BigInt];

/**
 * The type of a parameter as pipes see it: Object instead of a built-in type or of a class that extends one.
 *
 * A pipe for DTO classes, such as ValidationPipe, calls `new Map()` for such a parameter and copies the enumerable
 * properties into it, so nothing of a Map, RegExp, Error or typed array is left. It leaves an Object alone. HTTP bodies
 * are JSON and contain none of these types; events do.
 */
export function typeForPipes(type: unknown): unknown {
  if (typeof type !== 'function') return type;
  const { prototype } = type as { prototype?: unknown };
  return BUILT_IN.some((one) => type === one || prototype instanceof one) ? Object : type;
}
