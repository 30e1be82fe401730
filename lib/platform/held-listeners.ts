import { constants } from 'node:os';
import { callAndFinish } from './async-work.js';
import type { Clock, Timer } from './clock.js';
import { processEvents, type ProcessListener } from './process-events.js';

/** How long the app's signal listeners may take, in ms. */
export const LISTENER_TIMEOUT = 5_000;

/**
 * Holds back the app's listeners of signals that mean something to this process in the cluster. Widespread ones flush
 * telemetry and end the process, which would cut what is in flight; here they run once the cluster's work is done.
 *
 * Each listener is replaced by one that waits. `process.listeners()`, `listenerCount()` and `off()` see the app's own,
 * as `once` is seen. Nothing of `process` is patched, and a signal that has listeners never goes without any: losing
 * the last one would bring its default action back for a moment.
 */
export class HeldListeners {
  private readonly gates = new WeakSet<ProcessListener>();
  private held = true;
  private unsubscribe: () => void;

  /** @param signals those whose listeners are held from now on, registered already or later */
  constructor(
    private readonly signals: ReadonlySet<NodeJS.Signals>,
    private readonly clock: Clock,
  ) {
    for (const signal of signals) this.hold(signal);
    this.unsubscribe = processEvents.onListenerAdded((event) => {
      const signal = event as NodeJS.Signals;
      // Between now and then no signal can come in: Node hands them out from the event loop.
      if (signals.has(signal)) queueMicrotask(() => this.hold(signal));
    });
  }

  /**
   * Calls the app's listeners of `signal`, as the signal would have, and resolves when what they began is over. After
   * `LISTENER_TIMEOUT` ms at the latest, and at once when a signal comes in: a listener that is done and wants the
   * process gone raises its signal again. Where a listener ends the process, this never resolves.
   *
   * @throws what a listener threw, or rejected with
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
    if (!this.held || listeners.every((listener) => this.gates.has(listener))) return;
    const held = listeners.map((listener) => (this.gates.has(listener) ? listener : this.gate(signal, listener)));
    processEvents.replaceAppListeners(signal, held);
  }

  private gate(signal: NodeJS.Signals, listener: ProcessListener): ProcessListener {
    const holds = () => this.held;
    const gate = function (this: unknown, ...args: unknown[]): unknown {
      if (holds()) return undefined;
      // One of `once` knows only how to remove itself.
      if (listener.listener !== undefined) processEvents.removeListener(signal, gate);
      return Reflect.apply(listener, this, args);
    };
    Object.defineProperty(gate, 'listener', { value: listener.listener ?? listener });
    this.gates.add(gate);
    return gate;
  }
}
