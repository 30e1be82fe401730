import { type Frame } from './frame.js';
/**
 * Cuts a stream of bytes into frames. Frames that lie whole in a chunk are views of it; others are put
 * together in memory of their own size.
 */
export declare class FrameReader {
    private readonly maxFrame;
    private readonly onFrame;
    private readonly onError;
    /** The start of a header that the last chunk ended in. */
    private readonly header;
    private headerFilled;
    /** The frame that the last chunk ended in. */
    private partial;
    private partialFilled;
    private stopped;
    /**
     * @param maxFrame largest frame, in bytes
     * @param onFrame called for each frame, in order
     * @param onError called once where the bytes are not frames; nothing is read after it
     */
    constructor(maxFrame: number, onFrame: (frame: Frame) => void, onError: (reason: string) => void);
    /** Takes the next bytes of the stream. */
    push(chunk: Buffer): void;
    /** Reads nothing any more. */
    stop(): void;
    private cut;
    private fillHeader;
    private fillPartial;
    private finishPartial;
    /** Bytes of the frame whose header is at `at`; 0 where that is no header of a frame. */
    private sizeOf;
    private fail;
}
