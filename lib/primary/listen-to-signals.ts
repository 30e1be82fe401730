import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import { ClusterLogger } from '../platform/cluster-logger.js';
import { systemClock } from '../platform/clock.js';
import { HeldListeners } from '../platform/held-listeners.js';
import { processEvents } from '../platform/process-events.js';
import { hasTerminal, isInBackground, isStopped } from '../platform/terminal.js';
import { HangupDetector } from './hangup.js';
import type { PrimaryRuntime } from './primary-runtime.js';
import { watcherOfThisProcess } from './watcher.js';

/** SIGTTIN adds a worker, SIGTTOU removes one. */
const STEPS = { SIGTTIN: 1, SIGTTOU: -1 } as const;

/**
 * How long after its own signal the primary checks whether workers are stopped, in ms: a terminal stops all processes
 * of a job at once.
 */
const JOB_TIME = 100;

/**
 * Handles the signals of the primary: stop, reload, scale.
 *
 * @returns the app's own listeners of these signals, which are held until the cluster has stopped
 */
export function listenToSignals(runtime: PrimaryRuntime, options: ResolvedClusterOptions): HeldListeners {
  const logger = new ClusterLogger();
  const reload = (): void => {
    // The error is already in the log, and nobody waits for the answer.
    void runtime.reload().catch(() => {});
  };
  const reloadSignals = new Set(options.reload.signals);
  for (const signal of watcherOfThisProcess()?.stopSignals ?? []) {
    // SIGHUP is handled below: it stops the cluster if it is not a reload signal.
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
 * If a process of a background job uses the terminal, the terminal stops the whole job, with the same signals that
 * scale. The primary handles them, so it alone would continue: if a worker was stopped, the primary stops itself, too.
 * `fg` continues all processes of the job.
 */
function stopWithJob(runtime: PrimaryRuntime): boolean {
  if (!runtime.workerPids.some((pid) => isStopped(pid))) return false;
  process.kill(process.pid, 'SIGSTOP');
  return true;
}

/**
 * The SIGHUP of a terminal that hung up stops the cluster, even under `nohup`, because Node resets at its start what
 * `nohup` has set. Any other SIGHUP reloads; if it is not a reload signal, it stops the cluster, as it would end a
 * single process.
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
