import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../shared/launcher.js';
import { distinct, failedOf } from '../books.js';
import { failed, sumBooks } from '../load.js';
import { Site } from '../site.js';

/** Load that counts before the signal, in ms. */
const WARM_UP = 1_000;

/** A supervisor that has not ended by then never does, in ms. */
const STOP_TIMEOUT = 45_000;

/** Load, and life of orphans, after the supervisor's end, in ms. */
const AFTERMATH = 1_000;

/**
 * SIGTERM of the supervisor under load, by turns with keep-alive and with one connection per request. A
 * client that is refused after the signal knows at once and goes elsewhere: it is not lost. Every other
 * failure is.
 */
export async function sigterm(name, flags) {
  const runs = [];
  for (let round = 0; round < flags.stops; round++) runs.push(await once(name, flags, round % 2 === 0));
  const book = sumBooks(runs.map((run) => run.book));
  const orphans = runs.reduce((sum, run) => sum + run.orphans, 0);
  const endings = distinct(runs.map((run) => run.ending ?? 'none'));
  return {
    cell: `${failedOf(book)} in ${flags.stops} stops; ${orphans} orphans; exit ${endings}`,
    book,
    orphans,
    perStop: runs.map(({ keepAlive, lost, stopped }) => ({ keepAlive, stopped, lost })),
    load: { late: Math.max(...runs.map((run) => run.late)) },
  };
}

function once(name, flags, keepAlive) {
  return Site.with(name, flags, {}, async (site) => {
    await site.up();
    const load = site.load(keepAlive).start();
    await load.steady();
    await sleep(WARM_UP);
    const signalledAt = performance.now();
    process.kill(site.primary, 'SIGTERM');
    await until(() => site.ending() !== undefined, STOP_TIMEOUT);
    const stopped = performance.now() - signalledAt;
    await sleep(AFTERMATH);
    const ending = site.ending();
    const orphans = site.alive().length - (ending === undefined ? 1 : 0);
    const book = await load.stop();
    const turnedAway = load.failures.filter(({ outcome, sentAt }) => outcome === 'refused' && sentAt >= signalledAt);
    const lost = load.failures
      .filter((failure) => !turnedAway.includes(failure))
      .map(({ outcome, sentAt, endedAt }) => ({ outcome, sent: sentAt - signalledAt, ended: endedAt - signalledAt }));
    const counted = { ...book, sent: book.sent - turnedAway.length, refused: book.refused - turnedAway.length };
    if (failed(counted) + counted.ok !== counted.sent) throw new Error('The book does not balance');
    return { book: counted, keepAlive, lost, stopped, ending, orphans, late: load.late };
  });
}
