/** Clients of the apps, as their users have them. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { io, type Socket } from 'socket.io-client';
import { firstValueFrom, timeout, toArray } from 'rxjs';
import { eventually } from '../../support/index.js';
import { packageOfApps, sumsProto } from './project.js';

/** How long a client waits, in ms: what is not there by then hangs. */
const PATIENCE = 30_000;

export interface Sum {
  readonly n: number;
  readonly pid: number;
}

/** A client of the microservice, whatever carries its messages. */
export interface SumsClient {
  call(what: 'square' | 'hold' | 'refuse', n: number): Promise<Sum>;
  count(n: number): Promise<number[]>;
  /** Sends an event, which is not answered. */
  say?(n: number): Promise<unknown>;
  close(): void;
}

/** One of Nest's own. */
export function nestClient(at: { port: number } | { servers: string[] }): SumsClient {
  const client = ClientProxyFactory.create(
    'port' in at ? { transport: Transport.TCP, options: at } : { transport: Transport.NATS, options: at },
  );
  return {
    call: (what, n) => firstValueFrom(client.send<Sum>(what, { n }).pipe(timeout(PATIENCE))),
    count: async (n) => {
      const sums = await firstValueFrom(client.send<Sum>('count', { n }).pipe(timeout(PATIENCE), toArray()));
      return sums.map((sum) => sum.n);
    },
    say: (n) => firstValueFrom(client.emit('said', { n }).pipe(timeout(PATIENCE)), { defaultValue: undefined }),
    close: () => void client.close(),
  };
}

/** One of @grpc/grpc-js. */
export function grpcClient(port: number): SumsClient {
  const grpc = packageOfApps('@grpc/grpc-js');
  const loader = packageOfApps('@grpc/proto-loader');
  const { Sums } = grpc.loadPackageDefinition(loader.loadSync(sumsProto)).sums;
  // A pool of its own: another client may come to another worker.
  const client = new Sums(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const deadline = () => ({ deadline: Date.now() + PATIENCE });
  return {
    call: (what, n) =>
      new Promise((resolve, reject) => {
        client[what]({ n }, deadline(), (error: Error | null, sum: Sum) => (error ? reject(error) : resolve(sum)));
      }),
    count: (n) =>
      new Promise((resolve, reject) => {
        const sums: number[] = [];
        const stream = client.count({ n }, deadline());
        stream.on('data', (sum: Sum) => sums.push(sum.n));
        stream.on('error', reject);
        stream.on('end', () => resolve(sums));
      }),
    close: () => client.close(),
  };
}

/** Asks with a client of its own. */
export async function asking<T>(client: SumsClient, ask: (client: SumsClient) => Promise<T>): Promise<T> {
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

/** A Socket.IO client; it connects again by itself, and sends again what was not acknowledged. */
export function socketIo(url: string): Socket {
  return io(url, { forceNew: true, transports: ['websocket'], reconnectionDelay: 50, ackTimeout: 5_000, retries: 10 });
}

/** A graphql-ws client that hears the news; it connects again by itself. */
export class NewsReader {
  readonly news: string[] = [];
  private readonly client: any;

  constructor(url: string) {
    const { createClient } = packageOfApps('graphql-ws');
    this.client = createClient({
      url: `${url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: packageOfApps('ws'),
      // Whatever ended the connection.
      shouldRetry: () => true,
      retryAttempts: 1_000,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    });
    const next = ({ data }: any) => this.news.push(data.news as string);
    this.client.subscribe({ query: 'subscription { news }' }, { next, error: () => {}, complete: () => {} });
  }

  /** Pid of the worker that it is connected to. */
  async who(): Promise<number> {
    for await (const { data } of this.client.iterate({ query: '{ who }' })) return data.who as number;
    throw new Error('no answer over the WebSocket');
  }

  async hears(text: string): Promise<void> {
    await eventually(() => this.news.includes(text), { what: () => `the news ${text}, only ${this.news}` });
  }

  close(): void {
    this.client.dispose();
  }
}

/** A file that is sent in two parts. */
export class Upload {
  readonly content = randomBytes(2 ** 21);
  private readonly outgoing: ClientRequest;
  private readonly tail = '\r\n--boundary--\r\n';

  /** Begins it. */
  constructor(url: string) {
    const head = '--boundary\r\ncontent-disposition: form-data; name="file"; filename="file.bin"\r\n\r\n';
    const headers = {
      'content-type': 'multipart/form-data; boundary=boundary',
      'content-length': head.length + this.content.length + this.tail.length,
    };
    this.outgoing = httpRequest(url, { method: 'POST', agent: false, headers });
    this.outgoing.write(head);
    this.outgoing.write(this.content.subarray(0, this.content.length / 2));
  }

  /** Sends the rest; resolves to the answer. */
  async finish(): Promise<any> {
    const answered = once(this.outgoing, 'response');
    this.outgoing.end(Buffer.concat([this.content.subarray(this.content.length / 2), Buffer.from(this.tail)]));
    const [incoming] = (await answered) as [AsyncIterable<Buffer>];
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString());
  }
}
