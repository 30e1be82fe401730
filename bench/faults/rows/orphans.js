import { setTimeout as sleep } from 'node:timers/promises';
import { kill } from '../../shared/launcher.js';
import { Site } from '../site.js';

/** What still lives this long after the supervisor was killed has outlived it, in ms. */
const GRACE = 5_000;

/** kill -9 of the supervisor while one worker is blocked: what is left? */
export function orphans(name, flags) {
  return Site.with(name, flags, {}, async (site) => {
    await site.up();
    const hung = await site.spin();
    kill(site.primary);
    await sleep(GRACE);
    const left = site.alive();
    const blocked = left.includes(hung) ? ', the blocked one among them' : '';
    return { cell: left.length === 0 ? '**0** left' : `**${left.length}** left${blocked}`, left: left.length };
  });
}
