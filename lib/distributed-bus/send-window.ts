import { BackpressureError } from '../errors/errors.js';

/** How many bytes may be on their way to the broker before calls have to wait. */
const HIGH_WATER = 1024 * 1024;

interface Waiting {
  readonly event: string;
  readonly bytes: number;
  readonly pass: () => void;
  readonly fail: (error: Error) => void;
}

/**
 * Counts the bytes that were sent and not confirmed by the broker, and limits what this process holds when the broker
 * does not keep up.
 */
export class SendWindow {
  private unconfirmed = 0;
  private flushing = false;
  private readonly waiting: Waiting[] = [];
  private waitingBytes = 0;

  constructor(
    /** Resolves when the broker has received everything that was published before. */
    private readonly flush: () => Promise<void>,
    /** How many bytes may wait. */
    private readonly limit: number,
  ) {}

  /** Sends a message of a call for `event`, now or when its turn comes. Resolves when it was sent. */
  pass(event: string, bytes: number, send: () => void): Promise<void> {
    if (this.unconfirmed < HIGH_WATER && this.waiting.length === 0) return this.sendNow(bytes, send);
    if (this.waitingBytes + bytes > this.limit && this.waiting.length > 0)
      return Promise.reject(this.overflow(event, bytes));
    return new Promise((resolve, reject) => {
      const pass = () => this.sendNow(bytes, send).then(resolve, reject);
      this.waiting.push({ event, bytes, pass: () => void pass(), fail: reject });
      this.waitingBytes += bytes;
    });
  }

  /** The connection is lost: calls that wait fail, and bytes that were on their way are no longer counted. */
  reset(error: (event: string) => Error): void {
    this.unconfirmed = 0;
    this.waitingBytes = 0;
    for (const { event, fail } of this.waiting.splice(0)) fail(error(event));
  }

  private sendNow(bytes: number, send: () => void): Promise<void> {
    try {
      send();
    } catch (error) {
      return Promise.reject(error);
    }
    this.unconfirmed += bytes;
    if (this.unconfirmed >= HIGH_WATER / 2) void this.confirm();
    return Promise.resolve();
  }

  private async confirm(): Promise<void> {
    if (this.flushing) return;
    this.flushing = true;
    const covered = this.unconfirmed;
    // A flush fails when the connection is lost, and then `reset` is called as well.
    await this.flush().catch(() => undefined);
    this.flushing = false;
    this.unconfirmed = Math.max(0, this.unconfirmed - covered);
    while (this.waiting.length > 0 && this.unconfirmed < HIGH_WATER) {
      const next = this.waiting.shift()!;
      this.waitingBytes -= next.bytes;
      next.pass();
    }
    if (this.unconfirmed >= HIGH_WATER / 2) void this.confirm();
  }

  private overflow(event: string, bytes: number): BackpressureError {
    return new BackpressureError(
      `'${event}' was not sent: ${this.waiting.length} messages with ${this.waitingBytes} bytes wait for the broker, and ${bytes} more would be ` +
        `over the limit of ${this.limit} (messenger.queueLimit). It does not keep up: await broadcast(), send less, or ` +
        `raise the limit.`,
    );
  }
}
