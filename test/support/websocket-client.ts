import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { eventually } from './eventually.js';

/** First byte of a final text frame and of a close frame (RFC 6455, 5.2). */
const TEXT = 0x81;
const CLOSE = 0x88;

export interface WebSocketClientOptions {
  /** Says nothing when the server closes, as a client that has gone away without a word. */
  readonly mute?: boolean;
}

/** A WebSocket's client, for short messages: Node 20 has none of its own. */
export class WebSocketClient {
  /** Codes of the close frames that came, and when the first did (ms, of `performance.now()`). */
  readonly codes: number[] = [];
  closedAt = NaN;
  /** Whether the connection has ended, and how: by an error's code where it was torn. */
  ended: string | undefined;
  private readonly answers: string[] = [];
  private rest = Buffer.alloc(0);

  private constructor(
    private readonly socket: Duplex,
    private readonly options: WebSocketClientOptions,
  ) {
    socket.on('data', (bytes: Buffer) => this.read(bytes));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.ended = error.code ?? error.message));
    socket.on('end', () => socket.end());
    socket.on('close', () => (this.ended ??= 'closed'));
  }

  static async connect(url: string, options: WebSocketClientOptions = {}): Promise<WebSocketClient> {
    const key = randomBytes(16).toString('base64');
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const opening = httpRequest(url, { agent: false, headers: { ...headers, 'sec-websocket-key': key } }).end();
    const [, socket] = (await once(opening, 'upgrade')) as [unknown, Duplex];
    return new WebSocketClient(socket, options);
  }

  /** Says something and resolves to who answered; rejects where no answer comes. */
  async ask(text: string): Promise<any> {
    const nth = this.answers.length;
    this.send(TEXT, Buffer.from(text));
    return JSON.parse(
      await eventually(() => this.answers[nth], { what: () => `an answer to ${text}, ${this.ended ?? 'open'}` }),
    );
  }

  /** Says something to which no answer is awaited. */
  tell(text: string): void {
    this.send(TEXT, Buffer.from(text));
  }

  /** Resolves when the connection has ended. */
  async untilEnded(): Promise<void> {
    await eventually(() => this.ended !== undefined, { what: 'the end of a WebSocket' });
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The mask is zero: it is there for proxies only. */
  private send(kind: number, payload: Buffer): void {
    this.socket.write(Buffer.concat([Buffer.from([kind, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  }

  private read(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (let end; this.rest.length >= 2 && this.rest.length >= (end = 2 + this.rest[1]!);) {
      const [kind, payload] = [this.rest[0], this.rest.subarray(2, end)];
      this.rest = this.rest.subarray(end);
      if (kind === TEXT) this.answers.push(payload.toString());
      if (kind === CLOSE) this.close(payload);
    }
  }

  private close(payload: Buffer): void {
    this.codes.push(payload.readUInt16BE());
    if (this.codes.length > 1) return;
    this.closedAt = performance.now();
    if (!this.options.mute) this.send(CLOSE, payload);
  }
}
