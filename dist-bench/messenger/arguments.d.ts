/** Refuses an event name, id or key that is not a non-empty string of reasonable length. */
export declare function checkName(call: string, what: string, value: unknown): void;
/** The event name, or a refusal. */
export declare function checkEvent(method: string, event: unknown): void;
/** Refuses options that are no object or hold a key that is not among `known`. */
export declare function checkOptions(call: string, options: unknown, known: readonly string[]): void;
/** A time in ms, > 0; Infinity is one. `fallback` where it is undefined. */
export declare function readTime(call: string, option: string, value: unknown, fallback: number): number;
/** A whole number of at least `least`; `fallback` where it is undefined. */
export declare function readCount(call: string, option: string, value: unknown, least: number, fallback: number): number;
/** Refuses what is no function. */
export declare function checkFunction(call: string, what: string, value: unknown): void;
/** A value as an error message shows it. */
export declare function show(value: unknown): string;
