import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, until } from '../../shared/launcher.js';
import { failedOf, range } from '../books.js';
import { Site } from '../site.js';

/** A reload that has not replaced every worker by then never does, in ms. */
const RELOAD_TIMEOUT = 60_000;

/** Load after each reload, in ms. */
const SETTLE = 1_000;

/** Reloads under load: how many requests fail, of all that are sent from before the first to after the last. */
export function reload(keepAlive, platform = 'express') {
  return (name, flags) =>
    Site.with(name, flags, { platform }, async (site) => {
      await site.up();
      const load = site.load(keepAlive).start();
      await load.steady();
      const starts = [];
      const durations = [];
      let unfinished = 0;
      for (let round = 1; round <= flags.rounds; round++) {
        const startedAt = performance.now();
        starts.push(startedAt);
        if (await replaceAll(site, `build ${round}`, flags.workers)) durations.push(performance.now() - startedAt);
        else unfinished += 1;
        await sleep(SETTLE);
      }
      const book = await load.stop();
      const perReload = starts.map((from, round) => {
        const to = starts[round + 1] ?? Infinity;
        return load.failures.filter(({ sentAt }) => sentAt >= from && sentAt < to).length;
      });
      const notes = [`${range(perReload)} a reload`];
      if (durations.length > 0) notes.push(`each ${range(durations.map((ms) => Math.round(ms / 100) / 10))} s`);
      if (unfinished > 0) notes.push(`${unfinished} never finished`);
      return { cell: `${failedOf(book)}; ${notes.join(', ')}`, book, perReload, durations, load };
    });
}

/** Deploys, reloads, and resolves to whether the new build's workers, and no others, are there in time. */
async function replaceAll(site, build, workers) {
  const old = site.workers();
  site.deploy(build);
  await site.reload();
  return until(() => {
    const current = site.workers();
    return (
      old.every((pid) => !isAlive(pid)) && current.length >= workers && current.every((pid) => runs(site, pid, build))
    );
  }, RELOAD_TIMEOUT);
}

function runs(site, pid, build) {
  return site.journal('boot').some((entry) => entry.pid === pid && entry.build === build);
}
