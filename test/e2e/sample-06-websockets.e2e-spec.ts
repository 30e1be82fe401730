import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io, type ManagerOptions, type Socket } from 'socket.io-client';
import { type AppProcess, eventually, request, sample, useApps } from '../support/index.js';

type Transport = 'polling' | 'websocket';

/** A worker, as it introduces itself to whoever connects and at GET /who. */
interface Worker {
  readonly pid: number;
  readonly slot: number;
  readonly generation: number;
}

/** How a client with a certain address goes to the app. */
interface Way {
  readonly agent?: Agent;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Said {
  readonly text: string;
  readonly pid: number;
  readonly slot: number;
}

/** How many messages everybody says, one after the other. */
const ROUNDS = 15;

const apps = useApps();

/** Every request has a connection of its own: nothing but its address says whose it is. */
const OWN_ADDRESSES = [2, 3, 4, 5, 6, 7].map((host): Way => ({
  agent: new Agent({ localAddress: `127.0.0.${host}` }),
}));
const FORWARDED = [1, 2, 3, 4, 5, 6].map((host): Way => ({ headers: { 'x-forwarded-for': `203.0.113.${host}` } }));

/** Somebody in the chat; comes back by itself. */
class ChatClient {
  readonly heard: Said[] = [];
  /** The workers it was with, the latest last. */
  readonly workers: Worker[] = [];
  /** Whatever else than being connected happened to it. */
  readonly troubles: string[] = [];
  private readonly socket: Socket;

  constructor(url: string, way: Way, transport: Transport) {
    const { agent, headers } = way;
    // The types know no agents, which Node alone has.
    const node = { agent, extraHeaders: headers } as unknown as Partial<ManagerOptions>;
    this.socket = io(url, { ...node, transports: [transport], forceNew: true, reconnectionDelay: 100 });
    this.socket.on('welcome', (worker: Worker) => this.workers.push(worker));
    this.socket.on('said', (said: Said) => this.heard.push(said));
    this.socket.on('disconnect', (reason) => this.troubles.push(reason));
    this.socket.on('connect_error', ({ message }) => this.troubles.push(message));
  }

  get worker(): Worker | undefined {
    return this.socket.connected ? this.workers.at(-1) : undefined;
  }

  get transport(): string | undefined {
    return this.socket.io.engine.transport.name;
  }

  say(text: string): void {
    this.socket.emit('say', text);
  }

  close(): void {
    this.socket.close();
  }
}

/** The running sample, and clients in its chat. */
class Chat {
  readonly clients: ChatClient[] = [];
  private messages = 0;

  private constructor(
    readonly app: AppProcess,
    private readonly ways: readonly Way[],
  ) {}

  /** Resolves when both workers are ready. */
  static async open(ways: readonly Way[], env: Readonly<Record<string, string>> = {}): Promise<Chat> {
    const chat = new Chat(await apps.share({ entry: sample('06-websockets'), env }), ways);
    await eventually(async () => new Set(await chat.slots()).size === 2, {
      what: () => `two workers\n--- output\n${chat.app.output.text}`,
    });
    return chat;
  }

  /** The slot of each address. */
  async slots(): Promise<number[]> {
    const workers = this.ways.map(async (way) => {
      const { text } = await request(`${this.url}/who`, way);
      return (JSON.parse(text) as Worker).slot;
    });
    return Promise.all(workers);
  }

  /** A client from each address comes in; resolves to them, in order of the addresses. */
  async enter(transport: Transport): Promise<ChatClient[]> {
    const clients = this.ways.map((way) => new ChatClient(this.url, way, transport));
    this.clients.push(...clients);
    await this.everybody(`connected over ${transport}`, ({ worker }) => worker !== undefined);
    return clients;
  }

  /** `speaker` says something; resolves to what each client heard, when all have. */
  async said(speaker: ChatClient): Promise<Said[]> {
    const text = `message ${(this.messages += 1)}`;
    const find = ({ heard }: ChatClient): Said | undefined => heard.find((said) => said.text === text);
    speaker.say(text);
    await this.everybody(`heard ${text}`, (client) => find(client) !== undefined);
    return this.clients.map((client) => find(client)!);
  }

  async everybody(what: string, is: (client: ChatClient) => boolean): Promise<void> {
    const words = (): string => {
      const states = this.clients.map(({ worker, workers, troubles }) => ({ worker, was: workers, troubles }));
      return `everybody ${what}\n${JSON.stringify(states)}\n--- output\n${this.app.output.text}`;
    };
    await eventually(() => this.clients.every(is), { what: words });
  }

  leave(): void {
    for (const client of this.clients) client.close();
  }

  /** IPv4, as the addresses of the clients. */
  private get url(): string {
    return `http://127.0.0.1:${this.app.port}`;
  }
}

describe.each([
  ['a client is the peer of its connections', OWN_ADDRESSES, {}],
  ['a client is whom the proxy saw', FORWARDED, { PROXIES: '1' }],
])('sample 06-websockets, %s', (_, ways, env) => {
  let chat: Chat;
  let slots: number[];
  let polling: ChatClient[];
  let websocket: ChatClient[];
  beforeAll(async () => {
    chat = await Chat.open(ways, env);
    slots = await chat.slots();
  });
  afterAll(() => chat.leave());

  it('long polling: everybody stays connected, in more than one worker, and hears everybody', async () => {
    polling = await chat.enter('polling');
    for (let round = 0; round < ROUNDS; round++) await Promise.all(polling.map((client) => chat.said(client)));
    for (const client of polling) {
      expect(client.troubles).toEqual([]);
      expect(client.transport).toBe('polling');
      expect(client.heard).toHaveLength(ROUNDS * polling.length);
    }
    expect(new Set(polling.map(({ worker }) => worker!.pid)).size).toBe(2);
  });

  it("both transports: what one says reaches every worker's clients", async () => {
    websocket = await chat.enter('websocket');
    for (const speaker of chat.clients) {
      const { pid, slot } = speaker.worker!;
      for (const said of await chat.said(speaker)) expect(said).toMatchObject({ pid, slot });
    }
    for (const { troubles } of chat.clients) expect(troubles).toEqual([]);
  });

  it('one address, one slot, whatever the transport', async () => {
    expect(polling.map(({ worker }) => worker!.slot)).toEqual(slots);
    expect(websocket.map(({ worker }) => worker!.slot)).toEqual(slots);
    expect(await chat.slots()).toEqual(slots);
  });

  it('a reload: everybody is back by themselves, in the same slot, and hears everybody', async () => {
    const old = new Set(chat.clients.map(({ worker }) => worker!.pid));
    const report = await chat.app.json('/reload', { method: 'POST' });
    expect(new Set(report.replaced.map(({ oldPid }: { oldPid: number }) => oldPid))).toEqual(old);
    await chat.everybody('with a new worker', ({ worker }) => worker?.generation === 2);
    for (const speaker of chat.clients) await chat.said(speaker);
    expect(polling.map(({ worker }) => worker!.slot)).toEqual(slots);
    expect(websocket.map(({ worker }) => worker!.slot)).toEqual(slots);
    expect(await chat.slots()).toEqual(slots);
  });

  it('stops with clients connected', async () => {
    expect(await chat.app.stop()).toEqual({ code: 0, signal: null });
  });
});
