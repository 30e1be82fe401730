import { launchPm2 } from './pm2.js';
import { launchWithSignal } from './signalled.js';

/**
 * What can be put to the test. Each `start(env)` resolves to `{ name, launched, primary, reload() }`: the
 * launch, the pid of the process that supervises, and how a reload is asked for.
 */
export const SYSTEMS = {
  ours: { title: 'ours', start: (env) => launchWithSignal('ours.app.js', 'SIGHUP', env) },
  pm2: { title: 'PM2 7', start: launchPm2 },
  'think-cluster': {
    title: 'think-cluster 1.5.8',
    start: (env) => launchWithSignal('think-cluster.app.js', 'SIGUSR2', env),
  },
  tutorial: { title: 'tutorial loop', start: (env) => launchWithSignal('tutorial.app.js', 'SIGUSR2', env) },
};
