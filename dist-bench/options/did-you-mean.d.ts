/** The candidate nearest to `word`, case aside; undefined where none is near enough to be a slip of the pen. */
export declare function closest(word: string, candidates: readonly string[]): string | undefined;
