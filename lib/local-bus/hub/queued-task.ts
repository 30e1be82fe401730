import type { Frame } from '../wire/frame.js';

/** A call of a member. */
export interface CallOf<Member> {
  readonly member: Member;
  /** The member's own number for the call. */
  readonly call: number;
}

/** A call that waits for a task's result. */
export interface Caller<Member> extends CallOf<Member> {
  readonly wantsProgress: boolean;
}

/** A task from the moment it is requested until it has ended. */
export class QueuedTask<Member> {
  /** The callers that get the result; more than one if calls share a key. */
  readonly callers: Caller<Member>[] = [];
  /** The worker that is running it. */
  runner: Member | undefined;
  /** How many times it was given to a worker. */
  attempt = 0;

  constructor(
    readonly id: number,
    readonly event: string,
    /** Event and key together, if the caller gave a key. */
    readonly key: string | undefined,
    /** The frame that is sent to the worker; kept in case another one has to run the task. */
    readonly frame: Frame,
    /** Host time in ms after which no caller waits any more. */
    public deadline: number,
    /** How many more times it may go to another worker after its runner died. */
    public redeliveries: number,
    /** How many more times it may run, including the next time. */
    public attempts: number,
  ) {}

  /** Whether its callers gave it up while it was running. */
  get isAbandoned(): boolean {
    return this.deadline === -Infinity;
  }

  /** Marks it as given up: it runs to its end where it is, and never again. */
  abandon(): void {
    this.deadline = -Infinity;
  }
}
