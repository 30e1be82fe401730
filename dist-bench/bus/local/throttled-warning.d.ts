/** A warning that may be due thousands of times a second: said at once, then at most every ten seconds with a count. */
export declare class ThrottledWarning {
    private readonly warn;
    private readonly now;
    /** The text for so many occurrences since it was last said. */
    private readonly text;
    /** How often it was due, ever. */
    count: number;
    private said;
    private saidAt;
    constructor(warn: (message: string) => void, now: () => number, 
    /** The text for so many occurrences since it was last said. */
    text: (count: number, detail: string) => string);
    due(detail: string): void;
}
