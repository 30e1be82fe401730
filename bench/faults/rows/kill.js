import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, kill as killPid, until } from '../../shared/launcher.js';
import { failedOf } from '../books.js';
import { Site } from '../site.js';

/** A worker that is not replaced by then never is, in ms. */
const REPLACE_TIMEOUT = 60_000;

/** Load between two kills, in ms. */
const SETTLE = 500;

/**
 * kill -9 of the oldest worker, again and again, each time when all are ready. Ours has its crash-loop
 * breaker out of the way: what is measured is the single death, not what so many in a row mean.
 */
export function kill(keepAlive) {
  const options = { restart: { maxCrashes: 1_000, maxDelay: 1_000 } };
  return (name, flags) =>
    Site.with(name, flags, { options }, async (site) => {
      await site.up();
      const load = site.load(keepAlive).start();
      await load.steady();
      let inFlight = 0;
      let replaced = 0;
      for (let round = 0; round < flags.kills; round++) {
        inFlight += load.inFlight;
        const [oldest] = site.workers();
        killPid(oldest);
        const gone = () => !isAlive(oldest) && site.workers().length >= flags.workers;
        if (await until(gone, REPLACE_TIMEOUT)) replaced += 1;
        await sleep(SETTLE);
      }
      const book = await load.stop();
      const missing = replaced < flags.kills ? `; ${flags.kills - replaced} never replaced` : '';
      return {
        cell: `${failedOf(book)}; **${book.timeout}** hung; ${inFlight} in flight at ${flags.kills} kills${missing}`,
        book,
        inFlight,
        load,
      };
    });
}
