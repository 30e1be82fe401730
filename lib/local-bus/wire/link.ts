import type { Frame } from './frame.js';

/** What a link tells whoever it is attached to. None of these may throw. */
export interface LinkListener {
  /** A whole frame; its memory is shared with other frames, so copy what is kept for long. */
  onFrame(frame: Frame): void;
  /** Some of what was queued has left; look at `queued`. */
  onDrain(): void;
  /** Nothing comes any more: everything the other side sent was given to `onFrame`. Called once. */
  onClose(reason: string): void;
}

/** One end of a duplex line of frames. Frames arrive whole and in order, never within `send`. */
export interface Link {
  /** Starts giving frames to `listener`; those that came before are kept until then. Call it once. */
  attach(listener: LinkListener): void;
  /**
   * Takes the frame; its memory must not be changed or reused afterwards. Does nothing on a closed link. One that
   * `mayWait` can leave a moment later, with those that come after it; the order stays.
   */
  send(frame: Frame, mayWait?: boolean): void;
  /** Bytes that were sent and have not yet left this process. */
  readonly queued: number;
  /** Resolves when `queued` was 0, or the link is closed. */
  flush(): Promise<void>;
  /** Ends the link after what is queued has left; `onClose` follows when the other side has ended it too. */
  close(): void;
  /** Cuts the link at once; `onClose(reason)` is called before this returns. */
  abort(reason: string): void;
}
