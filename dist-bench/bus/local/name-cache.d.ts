/** `name` in UTF-8. */
export declare function bytesOfName(name: string): Uint8Array;
/** The UTF-8 name at `start` to `end` of `source`. */
export declare function nameIn(source: Buffer, start: number, end: number): string;
