/** An event stream never ends by itself: a worker that leaves ends it, and its EventSource reconnects. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { drainingApp, EventStream, type FixtureApp, useApps } from '../support/index.js';

const apps = useApps();
const open: EventStream[] = [];
afterEach(() => open.splice(0).forEach((stream) => stream.destroy()));

async function listen(app: FixtureApp, ms = 20): Promise<EventStream> {
  const stream = await EventStream.open(`${app.process.url}/events?ms=${ms}`);
  open.push(stream);
  return stream;
}

describe.each(['express', 'fastify'] as const)('event streams (@Sse) of a draining worker of %s', (server) => {
  it('in a reload: each ends whole, and the next connection gets the new generation', async () => {
    const app = await drainingApp(apps, server);
    const old = await app.members();
    const streams = await Promise.all(Array.from({ length: 6 }, () => listen(app)));
    for (const stream of streams) expect(await stream.first()).toMatchObject({ n: 0, generation: 1 });
    const { mark } = app;
    app.process.kill('SIGHUP');
    // A rolling reload: who was with the first worker may meet the second once more before it is replaced.
    const journeys = streams.map(async (stream) => {
      for (;;) {
        await stream.untilEnded();
        stream = await listen(app);
        const event = await stream.first();
        if (event.generation === 2) return event;
      }
    });
    for (const { n } of await Promise.all(journeys)) expect(n).toBe(0);
    const left = open.filter(({ ended }) => ended !== undefined);
    expect(left).toEqual(expect.arrayContaining(streams));
    for (const { ended, events } of left) {
      expect(ended).toBe('whole');
      expect(events.map(({ n }) => n)).toEqual([...events.keys()]);
    }
    for (const { pid } of old) {
      expect(await app.waitForWorkerEvent('exit', pid, mark)).toMatchObject({ code: 0, signal: null });
    }
  });

  it('with an event every millisecond: it ends whole too, and nothing fails in the worker', async () => {
    const app = await drainingApp(apps, server, { cluster: { workers: 1 } });
    const streams = [await listen(app, 1), await listen(app, 1), await listen(app, 1)];
    const { pid } = await streams[0]!.first();
    const { mark } = app;
    app.process.kill('SIGHUP');
    await Promise.all(streams.map((stream) => stream.untilEnded()));
    expect(streams.map(({ ended }) => ended)).toEqual(['whole', 'whole', 'whole']);
    expect(await app.waitForWorkerEvent('exit', pid, mark)).toMatchObject({ code: 0, signal: null });
    expect(app.process.output.lines.slice(mark).filter((line) => /error/i.test(line))).toEqual([]);
  });

  it('at SIGTERM: each ends whole, exit 0', async () => {
    const app = await drainingApp(apps, server);
    const streams = [await listen(app), await listen(app), await listen(app), await listen(app)];
    for (const stream of streams) await stream.first();
    expect(await app.process.stop()).toEqual({ code: 0, signal: null });
    for (const stream of streams) await stream.untilEnded();
    expect(streams.map(({ ended }) => ended)).toEqual(['whole', 'whole', 'whole', 'whole']);
  });
});

describe('many event streams of one draining worker', () => {
  it('do not end at one instant, and the last is served until its turn', async () => {
    const app = await drainingApp(apps, 'express', { cluster: { workers: 1 } });
    const streams: EventStream[] = [];
    while (streams.length < 6) streams.push(await listen(app));
    const last = streams[5]!;
    await last.first();
    app.process.kill('SIGHUP');
    await streams[0]!.untilEnded();
    const seen = last.events.length;
    await Promise.all(streams.map((stream) => stream.untilEnded()));
    expect(last.events.length).toBeGreaterThan(seen + 5);
    const times = streams.map(({ endedAt }) => endedAt);
    // Spread over two seconds: five pauses of a third of a second.
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(1_000);
  });
});
