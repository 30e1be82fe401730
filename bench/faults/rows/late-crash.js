import { setTimeout as sleep } from 'node:timers/promises';
import { Site } from '../site.js';

/** An app that works, and dies some seconds later, for ever: how often is it forked? */
export function lateCrash(name, flags) {
  const window = flags['late-window'];
  return Site.with(name, flags, { build: 'late-crash' }, async (site) => {
    await site.up();
    await sleep(window * 1_000);
    const forks = site.journal('boot').length;
    const breaker = site.output().includes('crash loop') ? '; the breaker opened' : '';
    return { cell: `**${forks}** forks in ${window} s${breaker}`, forks };
  });
}
