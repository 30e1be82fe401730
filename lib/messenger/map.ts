import { Observable } from 'rxjs';
import type { Member } from '../bus/bus.interface.js';
import { type MapFailure, MapError, NoHandlerError, NotConnectedError } from '../errors/errors.js';
import type { BusConnection } from './bus-connection.js';
import type { Deadline } from './deadline.js';
import { type CallInfo, clusterStops, noWorkerReady } from './outcome.js';
import { SlotRequest } from './slot-request.js';

/** What one worker's handler returned. @publicApi */
export interface MapValue<T = unknown> {
  readonly slot: number;
  /** The worker's host; absent with the embedded engine, which has only one host. */
  readonly host?: string;
  readonly value: T;
}

/** The outcome of one worker in a `mapSettled`. @publicApi */
export type MapOutcome<T = unknown> =
  | { readonly slot: number; readonly host?: string; readonly status: 'fulfilled'; readonly value: T }
  | { readonly slot: number; readonly host?: string; readonly status: 'rejected'; readonly reason: Error };

const WORKERS = 'any ready worker';

type ErrorClass = typeof NoHandlerError | typeof NotConnectedError;

/**
 * A request to every worker. The set of workers is fixed when the request is sent. A worker that leaves before it
 * receives the request, because of a scale-down or because the cluster stops, is left out of the results.
 */
export class MapCall {
  constructor(
    private readonly connection: BusConnection,
    private readonly call: CallInfo,
    private readonly payload: Uint8Array,
    private readonly deadline: Deadline,
  ) {}

  /** Every worker's outcome, in order of hosts and slots. Rejects only if no worker could be asked. */
  settled(each?: (outcome: MapOutcome) => void): Promise<MapOutcome[]> {
    const { connection } = this;
    // Sent at once, so that requests keep the order of the calls.
    if (connection.isOpen && connection.slots().length > 0) return this.#askAll(each);
    return this.#whenAsked(each);
  }

  async #whenAsked(each: ((outcome: MapOutcome) => void) | undefined): Promise<MapOutcome[]> {
    const { connection, call, deadline } = this;
    return connection.call<Promise<MapOutcome[]>>(
      call.label,
      deadline,
      (pending) => {
        // Called when a member is ready, so `slots()` is not empty here.
        const ask = () => pending.resolve(this.#askAll(each));
        const refuse = (error: Error) => pending.reject(error);
        connection.member(call.label, pending, { wanted: () => true, never: () => clusterStops(call) }, ask, refuse);
      },
      () => noWorkerReady(call),
    );
  }

  /** Every worker's value, in order of hosts and slots. */
  async values(): Promise<unknown[]> {
    const outcomes = await this.settled();
    const failure = this.#failure(outcomes);
    if (failure !== undefined) throw failure;
    return outcomes.map((outcome) => (outcome as { value: unknown }).value);
  }

  /** Emits the values as they arrive; if a worker failed, errors once all have answered. */
  stream(): Observable<MapValue> {
    return new Observable((subscriber) => {
      const each = (outcome: MapOutcome) => {
        if (outcome.status === 'fulfilled') subscriber.next(valueIn(outcome));
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
    const { connection, call, payload, deadline } = this;
    const members = connection.slots();
    return new Promise((resolve, reject) => {
      const results = new MapResults(members.length, resolve, () => reject(clusterStops(call)), each);
      const requests = members.map(
        (member, index) => new MapRequest(deadline, connection, call, member, payload, results, index),
      );
      SlotRequest.sendEach(
        requests,
        members.map(({ id }) => id),
      );
    });
  }

  #failure(outcomes: readonly MapOutcome[]): Error | undefined {
    const failures: MapFailure[] = [];
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      const { slot, host, reason: error } = outcome;
      failures.push(host === undefined ? { slot, error } : { slot, host, error });
    }
    const [first] = failures;
    if (first === undefined) return undefined;
    const all = (kind: ErrorClass) =>
      failures.length === outcomes.length && failures.every(({ error }) => isOwn(error, kind));
    if (all(NoHandlerError)) return new NoHandlerError(this.call.event, WORKERS);
    // The error concerns this process, not the workers.
    if (all(NotConnectedError)) return first.error;
    return new MapError(this.call.event, failures, outcomes.length);
  }
}

/** Collects the outcomes of one request until all are there. */
class MapResults {
  readonly #outcomes: (MapOutcome | undefined)[] = [];

  constructor(
    private left: number,
    private readonly finish: (outcomes: MapOutcome[]) => void,
    /** Called if all of the workers have left. */
    private readonly allLeft: () => void,
    private readonly each: ((outcome: MapOutcome) => void) | undefined,
  ) {}

  /** `outcome` is undefined if the slot's worker left before it received the request. */
  settle(index: number, outcome: MapOutcome | undefined): void {
    this.#outcomes[index] = outcome;
    if (outcome !== undefined) this.each?.(outcome);
    if (--this.left > 0) return;
    const outcomes = this.#outcomes.filter((one) => one !== undefined);
    if (outcomes.length > 0) this.finish(outcomes);
    else this.allLeft();
  }
}

/** The request to one worker. */
class MapRequest extends SlotRequest {
  constructor(
    deadline: Deadline,
    connection: BusConnection,
    call: CallInfo,
    private readonly member: Member,
    payload: Uint8Array,
    private readonly results: MapResults,
    private readonly index: number,
  ) {
    super(deadline, connection, call, member.slot, payload, member.primary);
  }

  protected fulfil(value: unknown): void {
    // Written out: spreading the place costs many times as much.
    const { slot, host } = this.member;
    const status = 'fulfilled';
    this.results.settle(this.index, host === undefined ? { slot, status, value } : { slot, host, status, value });
  }

  protected fail(reason: unknown): void {
    if (this.hasNoMember) return this.results.settle(this.index, undefined);
    const place = placeIn(this.member);
    this.results.settle(this.index, { ...place, status: 'rejected', reason: reason as Error });
  }
}

function placeIn({ slot, host }: Member) {
  return host === undefined ? { slot } : { slot, host };
}

function valueIn({ slot, host, value }: MapOutcome & { readonly status: 'fulfilled' }): MapValue {
  return host === undefined ? { slot, value } : { slot, host, value };
}

/** Excludes an error that a handler got from a call of its own: that one arrives as a RemoteError. */
function isOwn(error: Error, kind: ErrorClass): boolean {
  return error instanceof kind && error.constructor === kind;
}
