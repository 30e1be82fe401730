import { Observable } from 'rxjs';
import type { MapFailure } from '../errors/index.js';
import { MapError, NoHandlerError } from '../errors/index.js';
import type { Connection } from './connection.js';
import type { Deadline } from './deadline.js';
import type { CallInfo } from './outcome.js';
import { clusterStops, noWorkerReady } from './outcome.js';
import { SlotRequest } from './slot-request.js';

/** What one worker's handler returned. @publicApi */
export interface MapValue<T = unknown> {
  readonly slot: number;
  readonly value: T;
}

/** How one worker fared in a `mapSettled`. @publicApi */
export type MapOutcome<T = unknown> =
  | { readonly slot: number; readonly status: 'fulfilled'; readonly value: T }
  | { readonly slot: number; readonly status: 'rejected'; readonly reason: Error };

const WORKERS = 'any ready worker';

/**
 * A question to every worker. Who is asked is fixed when it is sent; one that is scaled away before the
 * question reaches it was no member when it mattered, and is left out.
 */
export class MapCall {
  constructor(
    private readonly connection: Connection,
    private readonly call: CallInfo,
    private readonly payload: Uint8Array,
    private readonly deadline: Deadline,
  ) {}

  /** Every worker's outcome, in order of slots. Rejects only where nobody could be asked. */
  settled(each?: (outcome: MapOutcome) => void): Promise<MapOutcome[]> {
    const { connection } = this;
    // At once, in the order of calls.
    if (connection.isOpen && connection.slots().length > 0) return this.#askAll(each);
    return this.#whenAsked(each);
  }

  async #whenAsked(each: ((outcome: MapOutcome) => void) | undefined): Promise<MapOutcome[]> {
    const { connection, call, deadline } = this;
    return connection.call<Promise<MapOutcome[]>>(
      call.label,
      deadline,
      (part) => {
        // There are members at that moment.
        const ask = () => part.resolve(this.#askAll(each));
        const refuse = (error: Error) => part.reject(error);
        connection.member(call.label, part, { wanted: () => true, never: () => clusterStops(call) }, ask, refuse);
      },
      () => noWorkerReady(call),
    );
  }

  /** Every worker's value, in order of slots. */
  async values(): Promise<unknown[]> {
    const outcomes = await this.settled();
    const failure = this.#failure(outcomes);
    if (failure !== undefined) throw failure;
    return outcomes.map((outcome) => (outcome as { value: unknown }).value);
  }

  /** The values as they come; an error once all are in, if one failed. */
  stream(): Observable<MapValue> {
    return new Observable((subscriber) => {
      const each = (outcome: MapOutcome) => {
        if (outcome.status === 'fulfilled') subscriber.next({ slot: outcome.slot, value: outcome.value });
      };
      this.settled(each).then(
        (outcomes) => {
          const failure = this.#failure(outcomes);
          if (failure === undefined) subscriber.complete();
          else subscriber.error(failure);
        },
        (error: unknown) => subscriber.error(error),
      );
      return () => this.deadline.abandon();
    });
  }

  #askAll(each: ((outcome: MapOutcome) => void) | undefined): Promise<MapOutcome[]> {
    const members = this.connection.slots();
    return new Promise((resolve) => {
      const round = new Round(members.length, resolve, each);
      for (const [index, member] of members.entries()) {
        const { connection, call, payload, deadline } = this;
        new MapRequest(deadline, connection, call, member.slot, payload, round, index).wait((part) =>
          part.sendTo(member.id),
        );
      }
    });
  }

  #failure(outcomes: readonly MapOutcome[]): Error | undefined {
    const failures: MapFailure[] = [];
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') failures.push({ slot: outcome.slot, error: outcome.reason });
    }
    if (failures.length === 0) return undefined;
    const nobody = failures.length === outcomes.length && failures.every(({ error }) => isOwnNoHandler(error));
    return nobody
      ? new NoHandlerError(this.call.event, WORKERS)
      : new MapError(this.call.event, failures, outcomes.length);
  }
}

/** The outcomes of one question, until all are in. */
class Round {
  readonly #outcomes: (MapOutcome | undefined)[] = [];

  constructor(
    private left: number,
    private readonly finish: (outcomes: MapOutcome[]) => void,
    private readonly each: ((outcome: MapOutcome) => void) | undefined,
  ) {}

  /** No outcome: the slot was scaled away before its worker took the question. */
  settle(index: number, outcome: MapOutcome | undefined): void {
    this.#outcomes[index] = outcome;
    if (outcome !== undefined) this.each?.(outcome);
    if (--this.left === 0) this.finish(this.#outcomes.filter((one) => one !== undefined));
  }
}

/** What one worker is asked. */
class MapRequest extends SlotRequest {
  constructor(
    deadline: Deadline,
    connection: Connection,
    call: CallInfo,
    private readonly slot: number,
    payload: Uint8Array,
    private readonly round: Round,
    private readonly index: number,
  ) {
    super(deadline, connection, call, slot, payload);
  }

  protected fulfil(value: unknown): void {
    this.round.settle(this.index, { slot: this.slot, status: 'fulfilled', value });
  }

  protected fail(reason: unknown): void {
    const outcome = { slot: this.slot, status: 'rejected', reason: reason as Error } as const;
    this.round.settle(this.index, this.isScaledAway ? undefined : outcome);
  }
}

/** Not one that a handler met in a call of its own: that comes back as a RemoteError. */
function isOwnNoHandler(error: Error): boolean {
  return error instanceof NoHandlerError && error.constructor === NoHandlerError;
}
