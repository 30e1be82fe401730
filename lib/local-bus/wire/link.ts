import type { Frame } from './frame.js';

/** Events of a link. The listener must not throw. */
export interface LinkListener {
  /** A complete frame. Its memory is shared with other frames, so copy a frame that you keep for long. */
  onFrame(frame: Frame): void;
  /** Some queued bytes have been written; check `queued`. */
  onDrain(): void;
  /** Nothing more will arrive: everything the other side sent has been passed to `onFrame`. Called once. */
  onClose(reason: string): void;
}

/** One end of a duplex connection for frames. Frames arrive complete and in order, never during `send`. */
export interface Link {
  /** Starts passing frames to `listener`; frames that arrived earlier are kept until then. Call it once. */
  attach(listener: LinkListener): void;
  /**
   * Sends the frame. Its memory must not be changed or reused afterwards. Does nothing if the link is closed. A frame
   * that `mayWait` may be written a moment later, together with the frames that follow it; the order stays the same.
   */
  send(frame: Frame, mayWait?: boolean): void;
  /** How many sent bytes have not yet left this process. */
  readonly queued: number;
  /** Resolves when `queued` was 0, or the link is closed. */
  flush(): Promise<void>;
  /**
   * Closes the link after everything in the queue has been written; `onClose` follows when the other side has closed
   * it, too.
   */
  close(): void;
  /** Cuts the link at once; `onClose(reason)` is called before this returns. */
  abort(reason: string): void;
}
