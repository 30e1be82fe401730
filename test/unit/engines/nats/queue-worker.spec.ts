import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { NatsNames } from '../../../../lib/engines/nats/names.js';
import { NatsQueueWorker } from '../../../../lib/engines/nats/nats-queue-worker.js';

interface Pull {
  readonly batch: number;
  readonly expires: number;
  readonly idle_heartbeat: number;
  readonly reply: string;
}

/** A server that does with pulls what a test says. */
class FakeServer {
  readonly pulls: Pull[] = [];
  readonly tasks: string[] = [];
  onPreparing = async (): Promise<void> => undefined;
  readonly names = new NatsNames({ cluster: 'c', environment: 'e' });
  readonly worker: NatsQueueWorker;
  private tell: (error: null, message: Msg) => void = () => undefined;

  constructor() {
    const connection = {
      publish: (_: string, request: string, { reply }: { reply: string }) =>
        this.pulls.push({ ...(JSON.parse(request) as Pull), reply }),
      subscribe: (_: string, { callback }: { callback: (error: null, message: Msg) => void }) => {
        this.tell = callback;
        return { unsubscribe: () => undefined, drain: async () => undefined };
      },
    };
    const context = {
      names: this.names,
      connection: () => connection as unknown as NatsConnection,
      prepare: () => this.onPreparing(),
      nextSubject: 'next',
      inbox: 'inbox',
      warn: () => undefined,
    };
    this.worker = new NatsQueueWorker(context, ({ id }) => this.tasks.push(id));
  }

  hand(id: string): void {
    const reply = '$JS.ACK.stream.consumer.1.2.3.4.5';
    this.tell(null, { subject: this.names.task('q', id), reply, data: new Uint8Array(0) } as unknown as Msg);
  }

  say(code: number): void {
    this.tell(null, { subject: this.pulls.at(-1)!.reply, headers: { code, description: '' } } as unknown as Msg);
  }
}

describe('pulls of tasks from NATS', () => {
  let server: FakeServer;
  beforeEach(async () => {
    jest.useFakeTimers();
    server = new FakeServer();
    server.worker.grant(3);
    await jest.advanceTimersByTimeAsync(0);
  });
  afterEach(() => {
    server.worker.stop();
    jest.useRealTimers();
  });
  const second = 1_000;

  it('are short, so that a server which takes a cut connection for alive hands little into it', () => {
    expect(server.pulls).toMatchObject([{ batch: 3 }]);
    expect(server.pulls[0]!.expires).toBeLessThanOrEqual(2e9);
    // The server refuses more.
    expect(server.pulls[0]!.idle_heartbeat * 2).toBeLessThanOrEqual(server.pulls[0]!.expires);
  });

  it('of which nothing is heard are made anew within 2 s, the first one too', async () => {
    await jest.advanceTimersByTimeAsync(2 * second);
    expect(server.pulls.map(({ batch }) => batch)).toEqual([3, 3]);
  });

  it('are made anew though the queue cannot be looked after, as where JetStream has no leader', async () => {
    server.onPreparing = () => new Promise(() => undefined);
    await jest.advanceTimersByTimeAsync(2 * second);
    server.worker.connected();
    await jest.advanceTimersByTimeAsync(0);
    expect(server.pulls.map(({ batch }) => batch)).toEqual([3, 3, 3]);
  });

  it('begin when the queue is there, in the end', async () => {
    const late = new FakeServer();
    let tries = 0;
    late.onPreparing = async () => {
      tries += 1;
      if (tries < 3) throw new Error('no leader');
    };
    late.worker.grant(1);
    await jest.advanceTimersByTimeAsync(5 * second);
    expect(late.pulls.length).toBeGreaterThan(0);
    late.worker.stop();
  });

  it('that are refused look after the queue, which may be gone', async () => {
    let looks = 0;
    server.onPreparing = async () => void (looks += 1);
    server.say(503);
    await jest.advanceTimersByTimeAsync(second);
    expect([looks, server.pulls.length]).toEqual([1, 2]);
  });

  it('are left alone while the server says that they wait', async () => {
    for (let i = 0; i < 20; i++) {
      await jest.advanceTimersByTimeAsync(server.pulls[0]!.idle_heartbeat / 1e6);
      server.say(100);
    }
    expect(server.pulls).toHaveLength(1);
  });

  it('are not taken for lost where this process was blocked', async () => {
    for (let i = 0; i < 5; i++) {
      // The timer comes late, and what was said meanwhile is read after it.
      jest.setSystemTime(Date.now() + 5 * second);
      await jest.advanceTimersToNextTimerAsync();
      server.say(100);
    }
    expect(server.pulls).toHaveLength(1);
  });

  it('that were served out are made anew at once, for what is left', async () => {
    server.hand('t1');
    server.say(408);
    expect(server.pulls.map(({ batch }) => batch)).toEqual([3, 2]);
    expect(server.tasks).toEqual(['t1']);
  });

  it('of a connection that is gone may still be served: what is granted next pays for it', async () => {
    server.worker.connected();
    await jest.advanceTimersByTimeAsync(0);
    expect(server.pulls.map(({ batch }) => batch)).toEqual([3, 3]);
    for (const id of ['t1', 't2', 't3', 't4', 't5']) server.hand(id);
    server.worker.grant(2);
    expect(server.pulls).toHaveLength(2);
    server.worker.grant(1);
    expect(server.pulls.map(({ batch }) => batch)).toEqual([3, 3, 1]);
  });
});
