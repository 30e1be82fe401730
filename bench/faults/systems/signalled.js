import { join } from 'node:path';
import { launch } from '../../shared/launcher.js';

/** A primary that is started as one process and reloads by a signal. */
export async function launchWithSignal(file, signal, env) {
  const launched = launch(join(import.meta.dirname, file), { env });
  return {
    launched,
    primary: launched.pid,
    reload: async () => void process.kill(launched.pid, signal),
    /** Code or signal the supervising process ended with; undefined while it runs. */
    ending: () => launched.ended && String(launched.ended.code ?? launched.ended.signal),
    end: () => launched.end(),
  };
}
