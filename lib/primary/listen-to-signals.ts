import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import { ClusterLogger } from '../platform/cluster-logger.js';
import { systemClock } from '../platform/clock.js';
import { HeldListeners } from '../platform/held-listeners.js';
import { processEvents } from '../platform/process-events.js';
import { hasTerminal, isInBackground, isStopped } from '../platform/terminal.js';
import { HangupDetector } from './hangup.js';
import type { PrimaryRuntime } from './primary-runtime.js';
import { watcherOfThisProcess } from './watcher.js';

/** SIGTTIN starts a worker more, SIGTTOU ends one. */
const STEPS = { SIGTTIN: 1, SIGTTOU: -1 } as const;

/** A terminal stops all processes of a job at once; how long after its own signal the primary looks at the others, in ms. */
const JOB_TIME = 100;

/**
 * Takes the signals of the primary: stop, reload, scale.
 *
 * @returns the app's own listeners of these signals, which are held until the cluster has stopped
 */
export function listenToSignals(runtime: PrimaryRuntime, options: ResolvedClusterOptions): HeldListeners {
  const logger = new ClusterLogger();
  const reload = (): void => {
    // What went wrong is in the log already; nobody waits for the answer.
    void runtime.reload().catch(() => {});
  };
  const reloadSignals = new Set(options.reload.signals);
  for (const signal of watcherOfThisProcess()?.stopSignals ?? []) {
    // SIGHUP where it does not reload stops, below.
    if (reloadSignals.delete(signal) && signal !== 'SIGHUP') {
      processEvents.onSignal(signal, () => runtime.stop(signal));
    }
  }
  listenToHangups(runtime, reloadSignals.delete('SIGHUP') ? reload : undefined);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) processEvents.onSignal(signal, () => runtime.stop(signal));
  for (const signal of reloadSignals) processEvents.onSignal(signal, reload);
  for (const signal of ['SIGTTIN', 'SIGTTOU'] as const) {
    processEvents.onSignal(signal, () => {
      const scale = (): void =>
        void runtime.scale(runtime.slots + STEPS[signal]).catch((error: Error) => logger.warn(error.message));
      if (isInBackground()) systemClock.after(JOB_TIME, () => stopWithJob(runtime) || scale());
      else scale();
    });
  }
  return new HeldListeners(new Set(['SIGTERM', 'SIGINT', 'SIGHUP', ...options.reload.signals]), systemClock);
}

/**
 * A job in the background of which a process touches the terminal is stopped by it, by the same signals that scale; the
 * primary alone would go on. `fg` lets all of them go on.
 */
function stopWithJob(runtime: PrimaryRuntime): boolean {
  if (!runtime.workerPids.some((pid) => isStopped(pid))) return false;
  process.kill(process.pid, 'SIGSTOP');
  return true;
}

/**
 * SIGHUP of a terminal that hung up stops the cluster, under `nohup` too: Node takes back at its start what that asked for.
 * From anybody else it reloads, or stops where it is no reload signal: that is what it does to one process.
 */
function listenToHangups(runtime: PrimaryRuntime, reload: (() => void) | undefined): void {
  const detector = new HangupDetector(hasTerminal, systemClock);
  detector.watch();
  processEvents.onSignal('SIGHUP', () => {
    void detector.meaning().then((meaning) => {
      if (meaning === 'request' && reload) reload();
      else runtime.stop('SIGHUP');
    });
  });
}
