import type { Frame } from './frame.js';
/** Collects the frames of a loop turn into as few pieces of memory as it takes. */
export declare class FrameWriter {
    /** Bytes collected since the last `take`. */
    bytes: number;
    private pieces;
    /** First frame of the range that grows while frames adjoin: relayed chunks leave as they came, without a copy. */
    private open;
    private openEnd;
    private slab;
    private slabStart;
    private slabEnd;
    add(frame: Frame): void;
    /** What was collected, in order. */
    take(): Buffer[];
    /** Everything taken has left: its memory may be written again. */
    recycle(): void;
    private seal;
    private copy;
    private sealSlab;
}
