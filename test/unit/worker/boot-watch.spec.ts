import { describe, expect, it } from '@jest/globals';
import { BootWatch } from '../../../lib/worker/boot-watch.js';
import { LISTEN_GRACE } from '../../../lib/worker/readiness.js';
import { ManualClock } from '../manual-clock.js';

/** An HTTP application that has booted; what is said of it is kept. */
async function booted(serversBefore?: number) {
  const clock = new ManualClock();
  const servers = { listening: 0, awaiting: 0, isRefused: false };
  const said: [what: string, servers?: number][] = [];
  const watch = new BootWatch(clock, { hasBooted: true, isHttp: true, isHybrid: false, servers }, serversBefore, {
    refused: () => said.push(['refused']),
    ready: (count) => said.push(['ready', count]),
    listens: (count) => said.push(['listens', count]),
    warn: () => said.push(['warn']),
  });
  const listens = async (count: number) => {
    servers.listening = count;
    watch.changed();
    await clock.pass(0);
  };
  await listens(0);
  return { clock, said, listens, servers, watch };
}

describe('what is said of a boot', () => {
  it('that it is ready, once', async () => {
    const { said, listens } = await booted();
    await listens(1);
    await listens(1);
    expect(said).toEqual([['ready', 1]]);
  });

  it('each server that listens after it was ready, and none that closes', async () => {
    const { clock, said, listens } = await booted();
    await clock.pass(LISTEN_GRACE);
    for (const count of [1, 0, 1, 2]) await listens(count);
    expect(said).toEqual([
      ['ready', 0],
      ['listens', 1],
      ['listens', 2],
    ]);
  });

  it('that it still waits for a server, where the worker before it has one', async () => {
    const { clock, said, listens } = await booted(1);
    await clock.pass(60_000);
    expect(said).toEqual([['warn']]);
    await listens(1);
    expect(said).toEqual([['warn'], ['ready', 1]]);
  });

  it('nothing where a microservice was refused, until a server listens', async () => {
    const { clock, said, listens, servers, watch } = await booted();
    servers.isRefused = true;
    watch.changed();
    await clock.pass(60_000);
    expect(said).toEqual([['refused'], ['refused'], ['warn']]);
    await listens(1);
    expect(said.slice(3)).toEqual([['ready', 1]]);
  });

  it('nothing after it failed', async () => {
    const { said, listens, watch } = await booted();
    watch.failed();
    await listens(1);
    expect(said).toEqual([]);
  });
});
