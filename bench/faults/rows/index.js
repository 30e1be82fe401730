import { badBuild } from './bad-build.js';
import { bootCrash } from './boot-crash.js';
import { hang } from './hang.js';
import { kill } from './kill.js';
import { lateCrash } from './late-crash.js';
import { orphans } from './orphans.js';
import { reload } from './reload.js';
import { sigterm } from './sigterm.js';

/** Each `run(system, flags)` is independent and resolves to what it saw; `cell` of it goes into the table. */
export const ROWS = {
  'reload-keep-alive': { title: (flags) => `${flags.rounds} reloads, keep-alive: failed`, run: reload(true) },
  'reload-close': {
    title: (flags) => `${flags.rounds} reloads, one connection per request: failed`,
    run: reload(false),
  },
  'reload-keep-alive-fastify': {
    title: (flags) => `${flags.rounds} reloads, keep-alive, Fastify: failed`,
    run: reload(true, 'fastify'),
  },
  'reload-close-fastify': {
    title: (flags) => `${flags.rounds} reloads, one connection per request, Fastify: failed`,
    run: reload(false, 'fastify'),
  },
  'bad-build': { title: () => 'reload into a build that crashes at boot: failed', run: badBuild },
  'boot-crash': { title: () => 'app that crashes at boot', run: bootCrash },
  'late-crash': { title: () => 'app that crashes 5 s after it is ready, for ever', run: lateCrash },
  'kill-keep-alive': { title: (flags) => `kill -9 of a worker × ${flags.kills}, keep-alive: failed`, run: kill(true) },
  'kill-close': {
    title: (flags) => `kill -9 of a worker × ${flags.kills}, one connection per request: failed`,
    run: kill(false),
  },
  hang: { title: () => '`while (true)` in a worker: failed', run: hang },
  sigterm: { title: () => 'SIGTERM of the supervisor: lost', run: sigterm },
  orphans: { title: () => 'kill -9 of the supervisor, one worker blocked: after 5 s', run: orphans },
};
