import { hostTime } from '../platform/clock.js';
import { ThrottledWarning } from '../platform/throttled-warning.js';

/** Keeps answers that were ready while there was no connection, up to a limit, until there is one again. */
export class ReplyBuffer {
  private kept: (readonly [subject: string, message: Uint8Array])[] = [];
  private bytes = 0;
  private readonly dropped: ThrottledWarning;

  constructor(
    /** Limit in bytes. */
    private readonly limit: number,
    warn: (message: string) => void,
  ) {
    this.dropped = new ThrottledWarning(
      warn,
      hostTime,
      (count) =>
        `${count} answer(s) were dropped: more than messenger.queueLimit were ready while the broker was away. Those who ` +
        `wait for them know that the connection was lost.`,
    );
  }

  keep(subject: string, message: Uint8Array): void {
    if (this.bytes + message.length > this.limit) return this.dropped.due(subject);
    this.kept.push([subject, message]);
    this.bytes += message.length;
  }

  /** Returns the kept answers in order, and empties the buffer. */
  take(): readonly (readonly [subject: string, message: Uint8Array])[] {
    const { kept } = this;
    this.kept = [];
    this.bytes = 0;
    return kept;
  }
}
