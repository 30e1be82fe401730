import { hostTime } from '../platform/clock.js';
import { ThrottledWarning } from '../platform/throttled-warning.js';

/** Answers that were ready while there was no connection: kept for when there is one, within a bound. */
export class ReplyBuffer {
  private kept: (readonly [subject: string, message: Uint8Array])[] = [];
  private bytes = 0;
  private readonly dropped: ThrottledWarning;

  constructor(
    /** Bytes. */
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

  /** What is kept, in order; it is kept no longer. */
  take(): readonly (readonly [subject: string, message: Uint8Array])[] {
    const { kept } = this;
    this.kept = [];
    this.bytes = 0;
    return kept;
  }
}
