import type { Frame } from '../wire/frame.js';

/** A call of a member. */
export interface CallOf<Member> {
  readonly member: Member;
  /** Its own number of the call. */
  readonly call: number;
}

/** Somebody waiting for a task's result. */
export interface Caller<Member> extends CallOf<Member> {
  readonly wantsProgress: boolean;
}

/** A task between being asked for and having ended. */
export class QueuedTask<Member> {
  /** Those who get the result; more than one where calls share a key. */
  readonly callers: Caller<Member>[] = [];
  /** The worker that runs it. */
  runner: Member | undefined;
  /** How often it was given to a worker. */
  attempt = 0;

  constructor(
    readonly id: number,
    readonly event: string,
    /** Event and key together, where the caller gave a key. */
    readonly key: string | undefined,
    /** What goes to the worker; kept for the next one. */
    readonly frame: Frame,
    /** Host time in ms after which none of the callers waits. */
    public deadline: number,
    /** How often it may yet go to another worker after its runner died. */
    public redeliveries: number,
    /** How often it may yet run, the next time included. */
    public attempts: number,
  ) {}

  /** Whether its callers have given it up while it ran. */
  get isAbandoned(): boolean {
    return this.deadline === -Infinity;
  }

  /** It runs to its end where it is, and never again. */
  abandon(): void {
    this.deadline = -Infinity;
  }
}
