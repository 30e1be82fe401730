import { type Frame } from './frame.js';
/** A keyed task's result is kept this long after it ended, in ms. */
export declare const RESULT_KEPT: number;
/** The results of keyed tasks, for calls that come with the same key later on. */
export declare class SettledResults {
    private readonly now;
    /** In the order they ended, and so in the order they expire. */
    private readonly results;
    private bytes;
    private readonly crowdedOut;
    constructor(warn: (message: string) => void, now: () => number);
    get(key: string): Frame | undefined;
    keep(key: string, frame: Frame): void;
    private dropExpired;
    private drop;
}
