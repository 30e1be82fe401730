import { type ClientHttp2Session, connect, constants } from 'node:http2';

/** A GOAWAY frame as the client got it. */
export interface Goaway {
  readonly code: number;
  readonly lastStream: number;
}

/** Between two requests of a load, in ms. */
const PAUSE = 25;

/**
 * An HTTP/2 client as browsers and gRPC's are: one session for all requests, until GOAWAY tells it to use
 * no more of it; then the next request has a new one. Only a refused stream, which the server has certainly not
 * begun to process (RFC 9113, 8.7), is sent again.
 */
export class Http2Client {
  readonly goaways: Goaway[] = [];
  /** What sessions failed with. */
  readonly errors: string[] = [];
  /** Streams that were refused, and sent again. */
  refused = 0;
  private session: ClientHttp2Session | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly sent: Promise<string | undefined>[] = [];
  private answers = 0;

  constructor(private readonly url: string) {}

  /** Good answers to the requests of `begin()` so far. */
  get answered(): number {
    return this.answers;
  }

  /** Resolves to the body of a whole response with status 200. */
  request(path: string): Promise<string> {
    const stream = this.open().request({ ':path': path });
    return new Promise((resolve, reject) => {
      let status: number | undefined;
      let text = '';
      let complete = false;
      stream.setEncoding('utf8');
      stream.on('response', (headers) => (status = headers[':status']));
      stream.on('data', (more: string) => (text += more));
      stream.on('end', () => (complete = true));
      let failure: Error | undefined;
      stream.on('error', (error) => (failure = error));
      stream.on('close', () => {
        if (status === 200 && complete && stream.rstCode === 0) return resolve(text);
        if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) {
          this.refused += 1;
          return resolve(this.request(path));
        }
        reject(failure ?? new Error(`status ${status}, reset ${stream.rstCode}, ${text.length} characters`));
      });
      stream.end();
    });
  }

  async json(path: string): Promise<any> {
    return JSON.parse(await this.request(path));
  }

  /** Sends requests at a steady pace until `finish()`. */
  begin(path: string): void {
    this.timer = setInterval(() => {
      const outcome = this.request(path).then(
        () => void (this.answers += 1),
        (error: Error) => error.message,
      );
      this.sent.push(outcome);
    }, PAUSE);
  }

  /** Resolves, when all answers are there, to how many requests were sent and what the others failed with. */
  async finish(): Promise<{ sent: number; failures: string[] }> {
    clearInterval(this.timer);
    const outcomes = await Promise.all(this.sent);
    return { sent: outcomes.length, failures: outcomes.filter((outcome) => outcome !== undefined) };
  }

  destroy(): void {
    clearInterval(this.timer);
    this.session?.destroy();
  }

  private open(): ClientHttp2Session {
    if (this.session && !this.session.closed && !this.session.destroyed) return this.session;
    const session = connect(this.url, { rejectUnauthorized: false });
    session.on('goaway', (code: number, lastStream: number) => this.goaways.push({ code, lastStream }));
    session.on('error', (error: Error) => this.errors.push(error.message));
    this.session = session;
    return session;
  }
}
