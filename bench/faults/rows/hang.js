import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, until } from '../../shared/launcher.js';
import { failedOf } from '../books.js';
import { Site } from '../site.js';

/** Load after the worker was replaced, in ms. */
const SETTLE = 1_000;

/** `while (true)` in one worker: are the others' clients served, and is it ever replaced? */
export function hang(name, flags) {
  const killAfter = flags['kill-after'] * 1_000;
  const options = { watchdog: { killAfter, suspectAfter: Math.min(3_000, killAfter - 1_000) } };
  return Site.with(name, flags, { options }, async (site) => {
    await site.up();
    const load = site.load(false).start();
    await load.steady();
    const others = site.workers();
    const hung = await site.spin();
    const spunAt = performance.now();
    others.splice(others.indexOf(hung), 1);
    const seconds = () => (performance.now() - spunAt) / 1_000;
    const gone = () => !isAlive(hung) && site.workers().length >= flags.workers;
    const replacedAfter = (await until(gone, flags.observe * 1_000)) ? seconds() : undefined;
    const victims = others.filter((pid) => !isAlive(pid)).length;
    await sleep(SETTLE);
    const book = await load.stop();
    // What was sent before it was seen to block may have been on its way to it.
    const later = load.failures.filter(({ sentAt }) => sentAt > spunAt);
    const parts = [`${failedOf(book)}, ${later.length} of them sent later`];
    parts.push(replacedAfter ? `replaced after ${replacedAfter.toFixed(1)} s` : `not replaced in ${flags.observe} s`);
    if (victims > 0) parts.push(`${victims} healthy ones died`);
    return { cell: parts.join('; '), book, replacedAfter, victims, load };
  });
}
