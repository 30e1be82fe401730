import { setTimeout as sleep } from 'node:timers/promises';
import { distinct, failedOf, range } from '../books.js';
import { difference, sumBooks } from '../load.js';
import { Site } from '../site.js';

/** The site's state is that of the last so many ms. */
const VERDICT = 1_000;

/** A reload into a build that crashes at boot: what do clients see, and how often is it forked? */
export async function badBuild(name, flags) {
  const runs = [];
  for (let round = 0; round < flags.deploys; round++) runs.push(await once(name, flags));
  const book = sumBooks(runs.map((run) => run.book));
  const forks = runs.map((run) => run.forks);
  return {
    cell: `${failedOf(book)}; site ${distinct(runs.map((run) => run.state))}; ${range(forks)} forks each`,
    book,
    forks,
    load: { late: Math.max(...runs.map((run) => run.late)) },
  };
}

function once(name, flags) {
  return Site.with(name, flags, {}, async (site) => {
    await site.up();
    const load = site.load(false).start();
    await load.steady();
    const before = site.journal('boot').length;
    site.deploy('crash');
    await site.reload();
    await sleep(flags.window * 1_000 - VERDICT);
    const earlier = { ...load.book };
    await sleep(VERDICT);
    const last = difference(load.book, earlier);
    const forks = site.journal('boot').length - before;
    const book = await load.stop();
    return { book, forks, state: stateOf(last), late: load.late };
  });
}

function stateOf({ sent, ok }) {
  if (ok === 0) return 'down';
  // What is on its way at either end may be counted or not.
  return ok >= sent * 0.95 ? 'up' : 'partly up';
}
