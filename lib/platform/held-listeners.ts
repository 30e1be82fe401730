import { constants } from 'node:os';
import { callAndFinish } from './async-work.js';
import type { Clock, Timer } from './clock.js';
import { processEvents, type ProcessListener } from './process-events.js';

/** How long the app's signal listeners may take, in ms. */
export const LISTENER_TIMEOUT = 5_000;

/**
 * Delays the app's listeners of signals that have a meaning in the cluster. Common ones flush telemetry and exit the
 * process, which would cut off running requests; here they are called when the cluster's work is done.
 *
 * Each listener is replaced by one that waits. `process.listeners()`, `listenerCount()` and `off()` still see the app's
 * own listener, in the same way as Node handles `once`. Nothing of `process` is patched. A signal with listeners never
 * loses its last one, because that would restore its default action for a moment.
 */
export class HeldListeners {
  private readonly wrappers = new WeakSet<ProcessListener>();
  private held = true;
  private unsubscribe: () => void;

  /**
   * @param signals the signals whose listeners are delayed from now on, whether they are registered already or later
   */
  constructor(
    private readonly signals: ReadonlySet<NodeJS.Signals>,
    private readonly clock: Clock,
  ) {
    for (const signal of signals) this.hold(signal);
    this.unsubscribe = processEvents.onListenerAdded((event) => {
      const signal = event as NodeJS.Signals;
      // No signal can arrive before the microtask runs: Node delivers signals from the event loop.
      if (signals.has(signal)) queueMicrotask(() => this.hold(signal));
    });
  }

  /**
   * Calls the app's listeners of `signal`, as the signal would have, and resolves when the work that they started is
   * finished. Resolves after `LISTENER_TIMEOUT` ms at the latest, and at once when a signal arrives: a listener that is
   * done and wants the process to end raises its signal again. If a listener exits the process, this never resolves.
   *
   * @throws what a listener threw or rejected with
   */
  async run(signal: NodeJS.Signals): Promise<void> {
    this.unsubscribe();
    this.held = false;
    const listeners = processEvents.appListeners(signal);
    if (listeners.length === 0) return;
    const raised = new Promise<void>((resolve) => {
      for (const each of this.signals) processEvents.onSignal(each, () => resolve());
    });
    const calls = listeners.map(
      (listener) => () => Reflect.apply(listener, process, [signal, constants.signals[signal]]) as unknown,
    );
    let over = false;
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => (timer = this.clock.after(LISTENER_TIMEOUT, resolve)));
    const finished = callAndFinish(calls, this.clock, () => over);
    await Promise.race([finished, raised, late]).finally(() => {
      over = true;
      timer?.cancel();
    });
  }

  private hold(signal: NodeJS.Signals): void {
    const listeners = processEvents.appListeners(signal);
    if (!this.held || listeners.every((listener) => this.wrappers.has(listener))) return;
    const held = listeners.map((listener) => (this.wrappers.has(listener) ? listener : this.wrap(signal, listener)));
    processEvents.replaceAppListeners(signal, held);
  }

  private wrap(signal: NodeJS.Signals, listener: ProcessListener): ProcessListener {
    const holds = () => this.held;
    const wrapper = function (this: unknown, ...args: unknown[]): unknown {
      if (holds()) return undefined;
      // A listener of `once` can remove only itself, so its replacement is removed here.
      if (listener.listener !== undefined) processEvents.removeListener(signal, wrapper);
      return Reflect.apply(listener, this, args);
    };
    Object.defineProperty(wrapper, 'listener', { value: listener.listener ?? listener });
    this.wrappers.add(wrapper);
    return wrapper;
  }
}
