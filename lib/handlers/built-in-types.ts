/** What all typed arrays extend; under Jest, Node's own Uint8Array is of another realm than the rest. */
const TYPED_ARRAYS = [Uint8Array, Float64Array].map((one) => Object.getPrototypeOf(one) as typeof Uint8Array);

/** Types of payloads that are no DTO of the app's own. A Buffer is a typed array. */
const BUILT_IN = [Map, Set, Date, RegExp, Error, ...TYPED_ARRAYS, ArrayBuffer, SharedArrayBuffer, DataView, BigInt];

/**
 * The type of a parameter as pipes are told it: Object in place of a type of the runtime, or of a class that extends one.
 *
 * A pipe that knows DTO classes, as ValidationPipe does, makes `new Map()` of a parameter's type and copies enumerable
 * properties into it: nothing of a Map, RegExp, Error or typed array is left. An Object it leaves alone. HTTP bodies are
 * JSON and hold none of these; events do.
 */
export function typeForPipes(type: unknown): unknown {
  if (typeof type !== 'function') return type;
  const { prototype } = type as { prototype?: unknown };
  return BUILT_IN.some((one) => type === one || prototype instanceof one) ? Object : type;
}
