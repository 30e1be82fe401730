/** Ranges up to this many bytes are copied together instead of being written one by one. */
const COPY_LIMIT = 4 * 1024;
/** A longer range is copied too where it is less than this part of its memory, which waiting would keep whole. */
const KEEP_SHARE = 1 / 4;
/** Bytes of the memory that small ranges are copied to. */
const SLAB = 64 * 1024;
/** Collects the frames of a loop turn into as few pieces of memory as it takes. */
export class FrameWriter {
    /** Bytes collected since the last `take`. */
    bytes = 0;
    pieces = [];
    /** First frame of the range that grows while frames adjoin: relayed chunks leave as they came, without a copy. */
    open;
    openEnd = 0;
    slab;
    slabStart = 0;
    slabEnd = 0;
    add(frame) {
        this.bytes += frame.length;
        if (frame.byteOffset === this.openEnd && frame.buffer === this.open?.buffer) {
            this.openEnd += frame.length;
            return;
        }
        this.seal();
        this.open = frame;
        this.openEnd = frame.byteOffset + frame.length;
    }
    /** What was collected, in order. */
    take() {
        this.seal();
        this.sealSlab();
        const taken = this.pieces;
        this.pieces = [];
        this.bytes = 0;
        return taken;
    }
    /** Everything taken has left: its memory may be written again. */
    recycle() {
        if (this.slabStart === this.slabEnd)
            this.slabStart = this.slabEnd = 0;
    }
    seal() {
        const first = this.open;
        if (first === undefined)
            return;
        const length = this.openEnd - first.byteOffset;
        const range = length === first.length ? first : Buffer.from(first.buffer, first.byteOffset, length);
        const isSmall = range.length <= COPY_LIMIT || range.length < range.buffer.byteLength * KEEP_SHARE;
        if (isSmall && range.length <= SLAB) {
            this.copy(range);
        }
        else {
            this.sealSlab();
            this.pieces.push(range);
        }
        this.open = undefined;
    }
    copy(range) {
        if (this.slab === undefined || this.slabEnd + range.length > SLAB) {
            this.sealSlab();
            this.slab = Buffer.allocUnsafeSlow(SLAB);
            this.slabStart = this.slabEnd = 0;
        }
        this.slab.set(range, this.slabEnd);
        this.slabEnd += range.length;
    }
    sealSlab() {
        if (this.slab === undefined || this.slabStart === this.slabEnd)
            return;
        this.pieces.push(this.slab.subarray(this.slabStart, this.slabEnd));
        this.slabStart = this.slabEnd;
    }
}
//# sourceMappingURL=frame-writer.js.map