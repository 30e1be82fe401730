import { until } from '../../shared/launcher.js';
import { Site } from '../site.js';

/** The first fork comes within this time, in ms. */
const FIRST_FORK_TIMEOUT = 20_000;

/** An app that crashes at boot from the first start on: how often is it forked, and how does it end? */
export function bootCrash(name, flags) {
  const window = flags['crash-window'] * 1_000;
  return Site.with(name, flags, { build: 'crash' }, async (site) => {
    if (!(await until(() => site.journal('boot').length > 0, FIRST_FORK_TIMEOUT))) {
      throw new Error(`No worker was forked:\n${site.output()}`);
    }
    const first = site.journal('boot')[0].at;
    await until(() => site.ending() || Date.now() - first >= window, window + FIRST_FORK_TIMEOUT);
    const forks = site.journal('boot').filter(({ at }) => at - first < window).length;
    const ending = site.ending();
    const named = site.output().includes('this build cannot start') ? ', names the reason' : '';
    const end = ending === undefined ? 'goes on' : `ends with ${ending}${named}`;
    return { cell: `**${forks}** forks in ${flags['crash-window']} s; ${end}`, forks, ending };
  });
}
