import type { Floor } from './floor.js';
/** Has worn-out workers replaced, one at a time: by memory, requests or age, each with its own jitter. */
export declare class Recycler {
    private readonly floor;
    constructor(floor: Floor);
    /** When the next worker is too old. */
    get wakeAt(): number;
    /** Marks the first worn-out worker for replacement. */
    recycle(now: number): void;
    private get busy();
    private replaceable;
    private limitReached;
}
