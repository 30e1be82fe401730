/**
 * Names what in `value` structuredClone refuses, and where: `a function 'run' at jobs[3].run`. Undefined
 * where it finds nothing. Slow and thorough: for the message of an error, after encoding failed.
 */
export declare function findUncloneable(value: unknown): string | undefined;
