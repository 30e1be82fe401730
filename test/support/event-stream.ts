import { type IncomingMessage, request as httpRequest } from 'node:http';
import { eventually } from './eventually.js';

/** One connection to a stream of server-sent events whose data is JSON. */
export class EventStream {
  readonly events: any[] = [];
  /** How it ended: 'whole', as the server's own end of it, or 'torn'. */
  ended: 'whole' | 'torn' | undefined;
  /** When it ended, in ms of `performance.now()`. */
  endedAt = NaN;
  private text = '';

  private constructor(private readonly incoming: IncomingMessage) {
    incoming.setEncoding('utf8');
    incoming.on('data', (more: string) => this.read(more));
    incoming.on('error', () => this.end('torn'));
    incoming.on('end', () => this.end(incoming.complete ? 'whole' : 'torn'));
  }

  static open(url: string): Promise<EventStream> {
    return new Promise((resolve, reject) => {
      const headers = { accept: 'text/event-stream' };
      const opening = httpRequest(url, { agent: false, headers }, (incoming) => resolve(new EventStream(incoming)));
      opening.on('error', reject).end();
    });
  }

  /** Resolves to the first event that is there, or comes. */
  first(): Promise<any> {
    return eventually(() => this.events[0], { what: () => `an event, the stream is ${this.ended ?? 'open'}` });
  }

  /** Resolves when it has ended. */
  async untilEnded(): Promise<void> {
    await eventually(() => this.ended, { what: 'the end of an event stream' });
  }

  destroy(): void {
    this.incoming.destroy();
  }

  private end(how: 'whole' | 'torn'): void {
    this.ended ??= how;
    if (Number.isNaN(this.endedAt)) this.endedAt = performance.now();
  }

  private read(more: string): void {
    const parts = (this.text + more).split('\n\n');
    this.text = parts.pop()!;
    for (const part of parts) {
      const data = /^data: (.*)$/m.exec(part)?.[1];
      if (data !== undefined) this.events.push(JSON.parse(data));
    }
  }
}
