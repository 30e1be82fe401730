import { brokersOf, type Setup } from './brokers.js';
import type { Fault, FaultKind } from './faults.js';
import { type BrokerName, type Host, HOSTS } from './namespaces.js';

/** One fault: when it begins and how long it lasts, in ms since the schedule's begin. */
export interface Step {
  readonly at: number;
  readonly ms: number;
  readonly fault: Fault;
}

/** Two lanes, each one fault at a time: the network and the brokers in one, processes in the other. */
export interface Schedule {
  readonly network: readonly Step[];
  readonly processes: readonly Step[];
}

const NETWORK: readonly FaultKind[] = [
  'cut',
  'cut',
  'loss',
  'latency',
  'isolate',
  'kill-broker',
  'freeze-broker',
  'revoke',
  'full-disk',
  'empty-broker',
];
/** Added when there are several brokers. */
const PARTIAL: readonly FaultKind[] = ['minority', 'cut', 'isolate', 'kill-broker'];
const PROCESSES: readonly FaultKind[] = ['kill-worker', 'kill-worker', 'freeze-worker', 'kill-host', 'freeze-host'];

/** How long a fault of the first lane lasts, and the pause before the next, in ms. */
const LASTS = [1_500, 3_000, 6_000, 12_000, 20_000, 40_000];
const PAUSES = [6_000, 9_000, 14_000];
/** The same for the second lane. */
const HOLDS = [2_500, 5_000, 9_000, 14_000];
const INTERVALS = [25_000, 35_000, 50_000];

/** How long some faults last at least, in ms. No disk is replaced faster: by then the other servers have elected leaders. */
const SHORTEST: Partial<Record<FaultKind, number>> = { 'empty-broker': 6_000 };

/** The kinds of faults that this setup can suffer. */
export function kindsOf(setup: Setup): readonly FaultKind[] {
  const several = brokersOf(setup).length > 1 ? PARTIAL : [];
  // A Redis primary that restarts empty before Sentinel notices makes its replicas empty, too (docs/guides/many-hosts.md).
  const network = [...NETWORK, ...several].filter((kind) => !(setup === 'sentinel' && kind === 'empty-broker'));
  return [...new Set([...network, ...PROCESSES])];
}

/** The same seed gives the same schedule. */
export function schedule(setup: Setup, minutes: number, seed: number): Schedule {
  const random = new Random(seed);
  const end = minutes * 60_000;
  const several = brokersOf(setup).length > 1 ? PARTIAL : [];
  const possible = kindsOf(setup);
  const kinds = [...NETWORK, ...several].filter((kind) => possible.includes(kind));
  const lane = (of: readonly FaultKind[], pauses: readonly number[], lasts: readonly number[]): Step[] => {
    const steps: Step[] = [];
    for (let at = random.of(pauses); ; at += random.of(pauses)) {
      const fault = makeFault(random.of(of), setup, random);
      const ms = Math.max(random.of(lasts), SHORTEST[fault.kind] ?? 0);
      if (at + ms > end) return steps;
      steps.push({ at, ms, fault });
      at += ms;
    }
  };
  return { network: lane(kinds, PAUSES, LASTS), processes: lane(PROCESSES, INTERVALS, HOLDS) };
}

/** A fault of that kind at a random place. */
export function makeFault(kind: FaultKind, setup: Setup, random: Random): Fault {
  const brokers = brokersOf(setup);
  const host: Host = random.of(HOSTS);
  const broker: BrokerName = random.of(brokers);
  switch (kind) {
    case 'cut': {
      const from = brokers.length > 1 && random.chance(0.4) ? [broker] : brokers;
      return { kind, host, brokers: from, way: random.of(['both', 'both', 'to', 'from'] as const) };
    }
    case 'loss':
      return { kind, host, percent: random.of([5, 15, 30]) };
    case 'latency':
      return { kind, broker, ms: random.of([20, 100, 300]) };
    case 'minority':
      return { kind, host, broker };
    case 'revoke':
      return { kind };
    case 'isolate':
    case 'kill-broker':
    case 'freeze-broker':
    case 'empty-broker':
    case 'full-disk':
      return { kind, broker };
    case 'kill-worker':
    case 'freeze-worker':
    case 'kill-host':
    case 'freeze-host':
      return { kind, host };
  }
}

/** A seeded random number generator: mulberry32, by Tommy Ettinger (public domain). */
export class Random {
  constructor(private state: number) {}

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  of<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)]!;
  }
}
