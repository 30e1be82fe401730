import type { Clock, Timer } from '../platform/clock.js';
import type { SupervisorAction, SupervisorEvent } from './supervisor/supervisor.types.js';

/** The part that decides: the supervisor. It carries out nothing, and takes the time as an argument. */
export interface Decider {
  /** When it needs a tick even if nothing happens, in ms of the clock; Infinity for never. */
  readonly wakeAt: number;
  handle(event: SupervisorEvent, now: number): readonly SupervisorAction[];
  /** A tick will come at that time. */
  expectWake(at: number): void;
}

/** The part that carries out the decisions. */
export interface Performer {
  /** An event was decided on; its actions follow. */
  decided(): void;
  /** May throw; the other actions are still carried out. */
  perform(action: SupervisorAction): void;
  /** An action threw. */
  failed(action: SupervisorAction, error: unknown): void;
  /** All actions of an event were carried out. */
  performed(): void;
}

/**
 * Passes each event to the supervisor, carries out the actions that it decides on, and sets the timer for the next
 * tick.
 */
export class SupervisionLoop {
  private readonly queue: SupervisorEvent[] = [];
  private isHandling = false;
  private timer: Timer | undefined;

  constructor(
    private readonly supervisor: Decider,
    private readonly clock: Clock,
    private readonly performer: Performer,
  ) {}

  /** Handles the event now. An event that an action causes is handled after all actions of the event before it. */
  dispatch(event: SupervisorEvent): void {
    this.queue.push(event);
    if (this.isHandling) return;
    this.isHandling = true;
    try {
      for (let next = this.queue.shift(); next; next = this.queue.shift()) this.handle(next);
    } finally {
      this.isHandling = false;
    }
    this.rearm();
  }

  private handle(event: SupervisorEvent): void {
    const actions = this.supervisor.handle(event, this.clock.now());
    this.performer.decided();
    for (const action of actions) this.attempt(action);
    this.performer.performed();
  }

  private attempt(action: SupervisorAction): void {
    try {
      this.performer.perform(action);
    } catch (error) {
      this.performer.failed(action, error);
    }
  }

  private rearm(): void {
    this.timer?.cancel();
    const at = this.supervisor.wakeAt;
    this.supervisor.expectWake(at);
    this.timer =
      at === Infinity ? undefined : this.clock.after(at - this.clock.now(), () => this.dispatch({ type: 'tick' }));
  }
}
