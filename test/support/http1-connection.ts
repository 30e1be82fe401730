import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from './eventually.js';

/** One HTTP/1.1 connection, request after request: what a client's pool hides. */
export class Http1Connection {
  /** When the server closed it, in ms of `performance.now()`. */
  closedAt = NaN;
  private text = '';

  private constructor(private readonly socket: Socket) {
    // Bytes as they are: a WebSocket's frames are no text.
    socket.setEncoding('latin1');
    socket.on('data', (more: string) => (this.text += more));
    // 'close' follows, and says all that a test asks.
    socket.on('error', () => {});
    socket.on('close', () => (this.closedAt = performance.now()));
  }

  static async open(port: number): Promise<Http1Connection> {
    const socket = connect(port, 'localhost');
    await once(socket, 'connect');
    return new Http1Connection(socket);
  }

  /** Sends a request; what came before is forgotten. */
  get(path: string, headers: Readonly<Record<string, string>> = {}): void {
    this.text = '';
    const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`);
    this.socket.write([`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
  }

  /** Resolves when the server has sent that, to when it was seen (ms, of `performance.now()`). */
  async received(wanted: RegExp | string): Promise<number> {
    await eventually(() => (typeof wanted === 'string' ? this.text.includes(wanted) : wanted.test(this.text)), {
      what: () => `${wanted}, the connection is ${this.closed ? 'closed' : 'open'}, got ${JSON.stringify(this.text)}`,
    });
    return performance.now();
  }

  /** Resolves when the server has closed it. */
  async untilClosed(): Promise<void> {
    await eventually(() => this.closed, { what: 'the end of a connection' });
  }

  destroy(): void {
    this.socket.destroy();
  }

  private get closed(): boolean {
    return !Number.isNaN(this.closedAt);
  }
}
