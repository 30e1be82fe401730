import { hostTime } from '../../platform/clock.js';
import type { Address, MemberId, Outcome, TaskRequest } from '../../bus/bus.interface.js';
import { pack, tokenOf } from '../envelope.js';
import type { WireClock, WireTime } from '../wire-time.js';

/** How long a task's result is kept, in ms: later calls with the same id get it. */
export const RESULT_KEPT = 5 * 60_000;

/** How long the record of a run that has begun is surely kept, in ms, even if the clocks of two hosts differ. */
const SURELY_RECORDED = RESULT_KEPT - 30_000;

/** How long a task that no worker could run is kept, in ms. */
export const DEAD_LETTER_KEPT = 7 * 24 * 60 * 60_000;

/** The header of a task in its queue. */
export interface TaskHeader {
  readonly id: string;
  readonly event: string;
  /** The caller's `id` option, if it gave one. */
  readonly key: string | null;
  readonly from: Address;
  readonly fromId: MemberId;
  readonly deadline: WireTime | null;
  readonly redeliveries: number;
  readonly attempts: number;
  /** Whether its caller wants to hear of its progress. */
  readonly progress: boolean;
  /** Until this time, every run of the task that has begun is surely on record. */
  readonly recorded: WireTime | null;
}

/** The record of a run that has begun. It is stored in the place of the task's result until there is one. */
export interface BeginningHeader {
  readonly task: string;
  /** How many runs have begun, this one included. */
  readonly begun: number;
  /** The name of the run, as in its result. */
  readonly run: string;
  readonly by: MemberId;
  /** How long its worker may give no sign of life, in ms; 0 if this run is over. */
  readonly lease: number;
}

/** How a task ended, both as it is stored and as it is sent to its callers. */
export interface ResultHeader {
  readonly task: string;
  readonly outcome: Outcome;
  readonly slot: Address;
  /** The name of the run that gave this result; no two runs have the same. */
  readonly run: string;
}

/** Outcomes with which a task has come to no result: a call with the same key begins a new task. */
export const NO_RESULT: ReadonlySet<Outcome> = new Set(['expired', 'lost', 'no-handler', 'stopping']);

/** The queue of an event's tasks. */
export const queueOf = (event: string): string => tokenOf('event', event);

/** The id that tasks of one event and key share. `incarnation` goes up each time such a task came to no result. */
export const sharedId = (event: string, key: string, incarnation: number): string =>
  `${tokenOf('task', event, key)}-${incarnation}`;

/** The subject on which all calls that share a task hear of its end. */
export const resultSubject = (task: string): string => `done-${task}`;

/** The subject of messages to one member. */
export const inboxOf = (member: MemberId): string => `member-${member}`;

export const recordedUntil = (times: WireClock): WireTime | null => times.toWire(hostTime() + SURELY_RECORDED);

export function packTask(
  id: string,
  { event, key, payload, deadline, redeliveries, attempts, onProgress }: TaskRequest,
  from: { readonly address: Address; readonly id: MemberId; readonly times: WireClock },
): Uint8Array {
  const header: TaskHeader = {
    id,
    event,
    key: key ?? null,
    from: from.address,
    fromId: from.id,
    deadline: from.times.toWire(deadline),
    redeliveries,
    attempts,
    progress: onProgress !== undefined,
    recorded: recordedUntil(from.times),
  };
  return pack(header, payload);
}
