import type { Clock, Timer } from '../platform/clock.js';
import type { SupervisorAction, SupervisorEvent } from './supervisor/supervisor.types.js';

/** What decides: the supervisor. It acts on nothing, and takes the time as an argument. */
export interface Decider {
  /** When it wants to be asked again though nothing happened, in ms of the clock; Infinity: never. */
  readonly wakeAt: number;
  handle(event: SupervisorEvent, now: number): readonly SupervisorAction[];
  /** A tick comes at that time. */
  expectWake(at: number): void;
}

/** What carries out the decisions. */
export interface Performer {
  /** An event was decided on; its actions follow. */
  decided(): void;
  /** May throw: the other actions are carried out all the same. */
  perform(action: SupervisorAction): void;
  /** An action threw. */
  failed(action: SupervisorAction, error: unknown): void;
  /** All actions of an event were carried out. */
  performed(): void;
}

/** An event comes in, the supervisor decides, its actions are carried out, and the timer is set for the next decision. */
export class SupervisionLoop {
  private readonly queue: SupervisorEvent[] = [];
  private isHandling = false;
  private timer: Timer | undefined;

  constructor(
    private readonly supervisor: Decider,
    private readonly clock: Clock,
    private readonly performer: Performer,
  ) {}

  /** Handles the event now; one that an action brings about is handled after all actions of the event before it. */
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
