/* oxlint-disable jest/no-standalone-expect -- the rows are parts of tests */
/** What each module is about, and how it is tried. */
import { createHash, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { type AppProcess, ascending, eventually, EventStream, type Report } from '../../support/index.js';
import { Asking } from './asking.js';
import { asking, NewsReader, nestClient, socketIo, type SumsClient, Upload } from './clients.js';
import { bothAnswer, type Row, type Trial } from './trial.js';

/** The pid in an answer over HTTP. */
const pidAt = async (app: AppProcess, path: string, headers?: Record<string, string>): Promise<number> => {
  const { pid } = await app.json(path, { headers });
  return pid as number;
};

/** Pids by slot. */
async function pidsOf(app: AppProcess): Promise<[number, number]> {
  const [one, other] = await app.waitUntilReady(2);
  return [one!.pid, other!.pid];
}

/** Makes something of each worker's own: as often as it takes to have one of each of the two. */
async function ofEach<T>(
  app: AppProcess,
  open: () => Promise<T>,
  who: (one: T) => Promise<number>,
  close: (one: T) => void,
): Promise<Map<number, T>> {
  const found = new Map<number, T>();
  await eventually(
    async () => {
      const one = await open();
      const pid = await who(one);
      if (found.has(pid)) close(one);
      else found.set(pid, one);
      // Workers take turns, and so could what is asked here: it would always come to the same one.
      if (Math.random() < 0.5) await app.request('/');
      return found.size === 2;
    },
    { what: () => `one of each worker, only ${[...found.keys()]}` },
  );
  return found;
}

export const ROWS = {
  /** A changed file reaches the new workers. */
  config: {
    feature: 'config',
    ask: async ({ app }) => {
      const { pid, greeting } = await app.json('/config');
      expect(['old', 'new']).toContain(greeting);
      return pid as number;
    },
    over: async ({ app, envFile }, reload) => {
      writeFileSync(envFile, 'GREETING=new\n');
      await reload();
      expect(await app.json('/config')).toMatchObject({ greeting: 'new' });
    },
  },

  /** An event stays in its worker. */
  eventEmitter: {
    feature: 'event-emitter',
    ask: async ({ app }) => {
      const { pid, heardBy } = await app.json('/event-emitter');
      expect(heardBy).toEqual([pid]);
      return pid as number;
    },
  },

  /** Commands, events, sagas and queries stay in their worker. */
  cqrs: {
    feature: 'cqrs',
    ask: async ({ app }) => {
      const { pid, steps } = await app.json('/cqrs');
      expect(new Set(steps)).toEqual(new Set(['opened', 'noticed', 'shipped'].map((what) => `${what} in ${pid}`)));
      return pid as number;
    },
  },

  /** Jobs run in each worker, with @RunOnLeader() in one, with runOnce() once. */
  schedule: {
    feature: 'schedule',
    ask: ({ app }) => pidAt(app, '/'),
    exercise: async ({ app }) => {
      const { mark } = app.output;
      for (const job of ['tick', 'cron']) {
        for (const pid of await pidsOf(app)) await app.waitForReport(job, (report) => report['pid'] === pid, mark);
      }
      const led = await eventually(
        () => {
          const reports = app.output.reports('led', mark);
          return reports.length >= 5 && reports;
        },
        { what: 'runs of a job of the leader' },
      );
      expect(new Set(led.map(({ pid }) => pid)).size).toBe(1);
    },
    after: ({ app }) => expect(app.output.reports('seeded')).toHaveLength(1),
  },

  /** Each worker has a cache, and a call of all clears them. */
  cacheManager: {
    feature: 'cache',
    ask: ({ app }) => pidAt(app, `/cache?key=${randomUUID()}`),
    exercise: async ({ app }) => {
      const path = `/cache?key=${randomUUID()}`;
      const values = async () => [(await app.jsonFrom(0, path)).value, (await app.jsonFrom(1, path)).value];
      const kept = await values();
      expect(kept[0]).not.toBe(kept[1]);
      expect(await values()).toEqual(kept);
      await app.json(path.replace('cache', 'cache/clear'), { method: 'POST' });
      for (const value of await values()) expect(kept).not.toContain(value);
    },
  },

  /** Each worker counts for itself, and no event is throttled. */
  throttler: {
    feature: 'throttler',
    ask: ({ app }) => pidAt(app, '/throttler', { 'x-client': randomUUID() }),
    exercise: async ({ app }) => {
      const client = randomUUID();
      const askSlot = async (slot: number) => {
        const headers = { 'x-client': client, 'x-only-slot': String(slot) };
        return eventually(
          async () => {
            const { status } = await app.request('/throttler', { headers });
            return status !== 421 && status;
          },
          { what: `an answer of slot ${slot}` },
        );
      };
      const statuses = [];
      for (const slot of [0, 0, 0, 0, 1, 1, 1, 1]) statuses.push(await askSlot(slot));
      expect(statuses).toEqual([200, 200, 200, 429, 200, 200, 200, 429]);
    },
  },

  /** A request's context is whole, and no handler sees it. */
  cls: {
    feature: 'cls',
    ask: async ({ app }) => {
      const tenant = randomUUID();
      const answer = await app.json('/cls', { headers: { 'x-tenant': tenant } });
      expect(answer.tenant).toBe(tenant);
      expect(new Set(answer.inHandlers)).toEqual(new Set(['no context']));
      return answer.pid as number;
    },
  },

  /** Each line is JSON, those of the primary, too. */
  pino: {
    feature: 'pino',
    env: { BUFFER_LOGS: '1' },
    ask: ({ app }) => pidAt(app, '/pino'),
    after: ({ app }) => {
      const isText = (line: string) => !line.startsWith('{');
      const ready = app.output.lines.findIndex((line) => line.includes('2 workers are ready'));
      // What the primary says before a worker is ready waits 10 s for the app's format, and no longer.
      const [before, since] = [app.output.lines.slice(0, ready), app.output.lines.slice(ready)];
      expect(before.filter((line) => isText(line) && !line.startsWith(`[Nest] ${app.pid} `))).toEqual([]);
      expect(since.filter(isText)).toEqual([]);
      expect(since.map((line) => (JSON.parse(line) as { pid: number }).pid)).toContain(app.pid);
    },
  },

  /** Healthy in a reload. */
  terminus: {
    feature: 'terminus',
    ask: async ({ app }) => {
      const { status, info } = await app.json('/health');
      expect(status).toBe('ok');
      return info.worker.pid as number;
    },
  },

  /** An upload over a reload arrives whole. */
  upload: {
    feature: 'upload',
    ask: ({ app }) => upload(app),
    over: async ({ app }, reload) => {
      const slow = new Upload(`${app.url}/upload?slow`);
      const { pid } = await app.waitForReport('uploading', ({ slow }) => slow as boolean);
      const reloaded = reload();
      // The rest is sent while the worker leaves.
      await app.waitForReport('leaving', (report) => report['pid'] === pid);
      expect(await slow.finish()).toMatchObject({ pid, size: slow.content.length, hash: hashOf(slow.content) });
      await reloaded;
    },
  },

  /** A stream ends whole in a reload, and its client finds a new worker. */
  sse: {
    feature: 'sse',
    ask: ({ app }) => readStream(app),
    exercise: async ({ app }) => {
      const open = () => EventStream.open(`${app.url}/sse`);
      const streams = await ofEach(app, open, firstPid, (stream) => stream.destroy());
      const text = randomUUID();
      await app.json(`/sse/say?text=${text}`);
      for (const { events } of streams.values()) {
        await eventually(() => events.some((event) => event.text === text), { what: `the event ${text}` });
      }
      for (const stream of streams.values()) stream.destroy();
    },
    over: async ({ app }, reload) => {
      const stream = await EventStream.open(`${app.url}/sse`);
      const old = await firstPid(stream);
      await reload();
      await stream.untilEnded();
      expect(stream.ended).toBe('whole');
      expect(await readStream(app)).not.toBe(old);
    },
  },

  /** A client hears what its worker emits, and finds a new worker by itself. */
  socketIo: {
    feature: 'socketio',
    ask: async ({ app }) => {
      const socket = socketIo(app.url);
      try {
        return (await socket.emitWithAck('who')).pid as number;
      } finally {
        socket.close();
      }
    },
    exercise: async ({ app }) => {
      const heard = new Map<number, string[]>();
      const sockets = await ofEach(
        app,
        async () => socketIo(app.url),
        async (socket) => (await socket.emitWithAck('who')).pid as number,
        (socket) => socket.close(),
      );
      for (const [pid, socket] of sockets) {
        heard.set(pid, []);
        socket.on('news', (text: string) => heard.get(pid)!.push(text));
      }
      const [here, everywhere] = [randomUUID(), randomUUID()];
      const pid = await pidAt(app, `/socketio/say-here?text=${here}`);
      await app.json(`/socketio/say?text=${everywhere}`);
      // A client hears what its worker emits, in its order.
      for (const [each, texts] of heard) {
        await eventually(() => texts.includes(everywhere), { what: `the news at a client of ${each}` });
        expect(texts).toEqual(each === pid ? [here, everywhere] : [everywhere]);
      }
      for (const socket of sockets.values()) socket.close();
    },
    over: async ({ app }, reload) => {
      const socket = socketIo(app.url);
      try {
        const old = (await socket.emitWithAck('who')).pid as number;
        await reload();
        await eventually(async () => (await socket.emitWithAck('who')).pid !== old, { what: 'a new worker' });
      } finally {
        socket.close();
      }
    },
  },

  /** With a PubSub in memory a subscriber hears of its worker, with a broadcast of all. */
  graphql: {
    feature: 'graphql',
    ask: ({ app }) => graphql(app, '{ answer: who }'),
    exercise: async ({ app }) => {
      const open = () => openReader(app);
      const readers = await ofEach(
        app,
        open,
        (reader) => reader.who(),
        (reader) => reader.close(),
      );
      const [here, everywhere] = [randomUUID(), randomUUID()];
      const pid = await graphql(app, `mutation { answer: sayHere(text: "${here}") }`);
      await graphql(app, `mutation { answer: say(text: "${everywhere}") }`);
      for (const [each, reader] of readers) {
        await reader.hears(everywhere);
        expect(reader.news.includes(here)).toBe(each === pid);
        reader.close();
      }
    },
    over: async ({ app }, reload) => {
      const reader = await openReader(app);
      const old = await reader.who();
      await reload();
      await eventually(async () => (await reader.who()) !== old, { what: 'a new worker' });
      await untilSubscribed(app, reader);
      reader.close();
    },
  },

  /** The schema is made once, and each write is there. */
  typeorm: {
    feature: 'typeorm',
    ask: async ({ app }) => {
      const text = randomUUID();
      const { pid, note } = await app.json(`/typeorm?text=${text}`);
      expect(note).toMatchObject({ text });
      return pid as number;
    },
    exercise: async ({ app }) => {
      const count = async (slot: number) => (await app.jsonFrom(slot, '/typeorm/count')).count as number;
      const before = await count(0);
      await app.jsonFrom(0, `/typeorm?text=${randomUUID()}`);
      expect(await count(1)).toBe(before + 1);
    },
    after: ({ app }) => expect(app.output.reports('migrated')).toHaveLength(1),
  },

  /** HTTP and TCP: both doors answer. */
  hybrid: {
    feature: 'hybrid',
    ask: async ({ app, secondPort }) => {
      await squareOf(nestClient({ port: secondPort }));
      return pidAt(app, '/');
    },
    exercise: async (trial) => {
      const { app, secondPort } = trial;
      const overTcp = () => squareOf(nestClient({ port: secondPort }));
      expect(await bothAnswer(trial, overTcp)).toEqual(ascending(await pidsOf(app)));
    },
    over: ({ secondPort, app }, reload) => holdOver(app, nestClient({ port: secondPort }), reload),
  },

  /** Each job is done once, one that a reload meets by the worker that has it. */
  bullmq: {
    feature: 'bullmq',
    ask: async ({ app }) => {
      const { pid, square } = await app.json('/bullmq?n=12');
      expect(square).toBe(144);
      return pid as number;
    },
    over: async ({ app }, reload) => {
      const { id } = await app.json('/bullmq/hold');
      const of = (report: Report) => report['id'] === id;
      const { pid } = await app.waitForReport('job', of);
      await reload();
      await app.waitForReport('job-done', of);
      expect(app.output.reports('job').filter(of)).toMatchObject([{ pid, attemptsMade: 0, stalledCounter: 0 }]);
      expect(app.output.reports('job-done').filter(of)).toMatchObject([{ pid }]);
    },
    after: ({ app }) => {
      const done = app.output.reports('job-done').map(({ id }) => id as string);
      expect(new Set(done).size).toBe(done.length);
    },
  },

  /** In Redis a session goes on in every worker, in memory it does not. */
  session: {
    feature: 'session',
    ask: async ({ app }) => {
      const { pid, count } = await app.json('/session');
      expect(count).toBe(1);
      return pid as number;
    },
    exercise: async ({ app }) => {
      expect(await visits(app, '/session', [0, 1, 0, 1, 1, 0])).toEqual([1, 2, 3, 4, 5, 6]);
      expect(await visits(app, '/session-in-memory', [0, 0, 1])).toEqual([1, 2, 1]);
    },
    over: async ({ app }, reload) => {
      const cookie = await cookieOf(app, '/session');
      await reload();
      expect(await app.json('/session', { headers: { cookie } })).toMatchObject({ count: 2 });
    },
  },
} satisfies Record<string, Row>;

// ---- what the rows have in common

/** How a microservice is asked, over whatever transport. */
export function microservice(transport: string, open: (trial: Trial) => SumsClient): Row {
  return {
    env: { TRANSPORT: transport },
    ask: (trial) => squareOf(open(trial)),
    exercise: (trial) =>
      asking(open(trial), async (client) => {
        expect(await client.count(5)).toEqual([0, 1, 2, 3, 4]);
        const refused = { message: expect.stringContaining('no such sum') as unknown };
        await expect(client.call('refuse', 1)).rejects.toMatchObject(
          transport === 'grpc' ? { ...refused, code: 5 } : refused,
        );
        if (!client.say) return;
        const n = Math.floor(Math.random() * 2 ** 31);
        await client.say(n);
        await trial.app.waitForReport('said', (report) => report['n'] === n);
        // What comes after it is answered: had another worker got it, too, it would have said so by then.
        await bothAnswer(trial, () => squareOf(open(trial)));
        expect(trial.app.output.reports('said').filter((report) => report['n'] === n)).toHaveLength(1);
      }),
    over: (trial, reload) => holdOver(trial.app, open(trial), reload),
  };
}

/** Asks over a connection of its own. */
const squareOf = (client: SumsClient): Promise<number> =>
  asking(client, async () => {
    const { n, pid } = await client.call('square', 12);
    expect(n).toBe(144);
    return pid;
  });

/** A client that goes on over a reload: no question is lost, and one that takes long is answered by the worker that leaves. */
async function holdOver(app: AppProcess, client: SumsClient, reload: () => Promise<void>): Promise<void> {
  const load = new Asking(() => client.call('square', 1));
  const held = client.call('hold', 7);
  held.catch(() => {}); // a test that fails before it is awaited says why
  try {
    const { pid } = await app.waitForReport('held');
    await load.answered(1);
    await reload();
    expect(await held).toEqual({ n: 7, pid });
    await load.answered(5);
    expect((await client.call('square', 2)).pid).not.toBe(pid);
    expect(await load.finish()).toEqual([]);
  } finally {
    client.close();
    await load.finish();
  }
}

const hashOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

async function upload(app: AppProcess): Promise<number> {
  const file = new Upload(`${app.url}/upload`);
  const { pid, hash } = await file.finish();
  expect(hash).toBe(hashOf(file.content));
  return pid as number;
}

const firstPid = async (stream: EventStream): Promise<number> => (await stream.first()).pid as number;

async function readStream(app: AppProcess): Promise<number> {
  const stream = await EventStream.open(`${app.url}/sse`);
  const pid = await firstPid(stream);
  stream.destroy();
  return pid;
}

async function graphql(app: AppProcess, query: string): Promise<number> {
  const { data, errors } = await app.json('/graphql', { method: 'POST', body: { query } });
  expect(errors).toBeUndefined();
  return data.answer as number;
}

async function openReader(app: AppProcess): Promise<NewsReader> {
  const reader = new NewsReader(app.url);
  await untilSubscribed(app, reader);
  return reader;
}

/** A subscription is not acknowledged: it is there when it hears what is said. */
async function untilSubscribed(app: AppProcess, reader: NewsReader): Promise<void> {
  const text = randomUUID();
  await eventually(
    async () => {
      await graphql(app, `mutation { answer: say(text: "${text}") }`);
      return reader.news.includes(text);
    },
    { what: 'a subscription' },
  );
}

async function cookieOf(app: AppProcess, path: string, headers: Record<string, string> = {}): Promise<string> {
  const reply = await eventually(
    async () => {
      const one = await app.request(path, { headers });
      return one.status !== 421 && one;
    },
    { what: `a session of ${path}` },
  );
  return reply.headers['set-cookie']![0]!.split(';')[0]!;
}

/** What one client's visits count to, in workers of these slots. */
async function visits(app: AppProcess, path: string, slots: readonly number[]): Promise<number[]> {
  const [first, ...others] = slots;
  const cookie = await cookieOf(app, path, { 'x-only-slot': String(first) });
  const counts = [1];
  for (const slot of others) counts.push((await app.jsonFrom(slot, path, { headers: { cookie } })).count as number);
  return counts;
}
