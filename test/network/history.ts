import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryEvent } from '../e2e/fixtures/src/network/events.js';
import type { Probe } from '../e2e/fixtures/src/network/probe.js';
import type { Setup } from './brokers.js';
import type { FaultRecord } from './faults.js';

export type { Deed, HistoryEvent, Method } from '../e2e/fixtures/src/network/events.js';
export type { Probe } from '../e2e/fixtures/src/network/probe.js';

/** A host's primary that ended although nothing had asked it to. */
export interface HostExit {
  readonly at: number;
  readonly host: string;
  readonly code: number | string;
}

/** Everything that happened in a run. */
export interface History {
  /** In order of time. */
  readonly events: readonly HistoryEvent[];
  readonly probes: readonly Probe[];
  readonly faults: readonly FaultRecord[];
  readonly exits: readonly HostExit[];
  /** When all members had found each other: ms of the monotonic clock. */
  readonly started: number;
  /** When the load was stopped, with no fault active: ms of the monotonic clock. */
  readonly stopped: number;
  /** How many members there are when none is missing. */
  readonly members: number;
  readonly setup: Setup;
}

/** All events that the processes of a run wrote into the folder, in order of time. */
export function readEvents(folder: string): HistoryEvent[] {
  const lines = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    // A process that was killed may have left half a line.
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1));
  return lines.map((line) => JSON.parse(line) as HistoryEvent).toSorted((one, other) => one.at - other.at);
}
