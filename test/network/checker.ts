import { brokersOf } from './brokers.js';
import { type FaultRecord, isolatedHost } from './faults.js';
import type { Deed, History, HistoryEvent, Method, Probe } from './history.js';

/** A promise that the history shows broken. */
export interface Violation {
  readonly rule: string;
  /** When, in seconds since the history's first event. */
  readonly at: number;
  readonly text: string;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly counts: Readonly<Record<string, number>>;
}

/** How strictly a history is judged. */
export interface Judging {
  /** Whether to judge also what depends on the machine's speed: how fast members are right again, what fails without a fault. */
  readonly timed: boolean;
}

/** How long after its deadline a call may settle, in ms: its process may have been short of CPU time. */
const OVERDUE = 3_000;
/** How long after a fault the members may take to be right, in ms. */
const HEALING = 5_000;
/** How long after a fault a short call may still fail because of it, in ms: leases end, connections come back. */
const AFTERMATH = 15_000;
/** The lease of a task, in ms: the fixture uses the default of `messenger.lease`. */
const LEASE = 10_000;
/** How long a request may be affected by the death of the worker that has accepted it, in ms. */
const REQUEST = 2_000;
/** A process that has written nothing for this time (ms) has ended; it writes twice a second. */
const SIGN_OF_LIFE = 700;
/** How many workers must die before a task becomes a dead letter: `redeliveries` + 1. */
const RUNS = 3;

interface Process {
  readonly id: string;
  readonly pid: number;
  host?: string;
  up?: number;
  last: number;
}

interface Call {
  readonly at: number;
  readonly method: Method;
  readonly name: string;
  readonly deadline?: number;
  readonly isKept?: boolean;
  readonly by: Process;
  settled?: { readonly at: number; readonly outcome: string; readonly value?: string; readonly message?: string };
}

interface Run {
  readonly id: string;
  readonly name: string;
  readonly begin: number;
  readonly by: Process;
  end?: number;
}

/** Finds the promises that a history breaks, as callers and as handlers saw it. */
export function judge(history: History, { timed }: Judging = { timed: true }): Verdict {
  const story = new Story(history);
  const rules: Rules = {
    'lost task': lostTasks,
    'task never begun': neverBegun,
    'two results': twoResults,
    overlap: overlaps,
    'at most once': repeats,
    'fencing token': tokens,
    order,
    hung,
    http: failedRequests,
    'host ended': ended,
    ...(timed ? TIMED : {}),
  };
  const violations = Object.entries(rules).flatMap(([rule, find]) =>
    [...find(story)].map(([at, text]) => ({ rule, at: Math.round((at - story.begin) / 100) / 10, text })),
  );
  return { violations, counts: story.counts() };
}

type Found = readonly [at: number, text: string];
type Rules = Readonly<Record<string, (story: Story) => Iterable<Found>>>;

/** Rules that a slow machine breaks, too. */
const TIMED: Rules = {
  members,
  overdue,
  'slow request': slowRequests,
  'failed without a fault': needless,
  'broadcast lost': lostBroadcasts,
};

class Story {
  readonly begin: number;
  readonly processes = new Map<string, Process>();
  readonly calls: Call[] = [];
  readonly runs = new Map<string, Run>();
  readonly runsOf = new Map<string, Run[]>();

  constructor(readonly history: History) {
    this.begin = history.events[0]?.at ?? 0;
    const open = new Map<string, Call>();
    for (const event of history.events) {
      const by = this.processOf(event);
      by.last = event.at;
      if (event.kind === 'up') Object.assign(by, { host: event.host, up: event.at });
      if (event.kind === 'call') {
        const { call, method, name, deadline, isKept } = event;
        const made: Call = { at: event.at, method, name, deadline, isKept, by };
        open.set(`${by.id}/${call}`, made);
        this.calls.push(made);
      }
      if (event.kind === 'settled') {
        const call = open.get(`${by.id}/${event.call}`);
        if (call) call.settled = event;
      }
      if (event.kind === 'began' || event.kind === 'once-began') this.began(event, by);
      if (event.kind === 'ended') {
        const run = this.runs.get(event.run);
        if (run) run.end = event.at;
      }
    }
  }

  of<K extends Deed['kind']>(kind: K): Extract<HistoryEvent, { readonly kind: K }>[] {
    return this.history.events.filter(
      (event): event is Extract<HistoryEvent, { readonly kind: K }> => event.kind === kind,
    );
  }

  /** Whether the process ended before the load was stopped: it was killed, or replaced. */
  hasEnded(process: Process): boolean {
    return process.last < this.history.stopped - SIGN_OF_LIFE;
  }

  /** When the run ended: when its handler returned, or when its process died. */
  endOf(run: Run): number {
    return run.end ?? (this.hasEnded(run.by) ? run.by.last : Infinity);
  }

  /** The faults that were active between the two times, or had ended at most `aftermath` ms before. */
  faultsIn(from: number, to: number, aftermath = 0): FaultRecord[] {
    return this.history.faults.filter(({ begin, end }) => begin <= to && end + aftermath >= from);
  }

  /** Whether others could not tell the worker from a dead one at some time: it was frozen, or cut off from all brokers. */
  wasApart(worker: Process, from: number, to: number): boolean {
    return this.faultsIn(from, to, HEALING).some(
      ({ fault, pids }) => pids?.includes(worker.pid) || isolatedHost(fault, this.history.setup) === worker.host,
    );
  }

  /** Whether the only broker lost its data in that time, and what it had accepted with it. */
  wasForgotten(from: number, to: number): boolean {
    return this.faultsIn(from, to).some(
      ({ fault }) => fault.kind === 'empty-broker' && brokersOf(this.history.setup).length === 1,
    );
  }

  counts(): Record<string, number> {
    const counts: Record<string, number> = { faults: this.history.faults.length, processes: this.processes.size };
    const add = (name: string) => (counts[name] = (counts[name] ?? 0) + 1);
    for (const { method, settled } of this.calls) add(`${method} ${settled?.outcome ?? 'open'}`);
    for (const { outcome } of this.of('said')) add(`broadcast ${outcome}`);
    counts['runs'] = this.runs.size;
    counts['begun again'] = [...this.runsOf.values()].filter(({ length }) => length > 1).length;
    counts['heard'] = this.of('heard').length;
    counts['leaders'] = new Set(this.of('wrote').map(({ token }) => token)).size;
    counts['requests'] = this.history.probes.length;
    return counts;
  }

  private processOf({ process: id, at }: HistoryEvent): Process {
    const known = this.processes.get(id);
    if (known) return known;
    const made = { id, pid: Number.parseInt(id, 10), last: at };
    this.processes.set(id, made);
    return made;
  }

  private began(
    { run: id, name, at }: { readonly run: string; readonly name: string; readonly at: number },
    by: Process,
  ): void {
    const run = { id, name, begin: at, by };
    this.runs.set(id, run);
    this.runsOf.set(name, [...(this.runsOf.get(name) ?? []), run]);
  }
}

const isTask = ({ method }: Call): boolean => method === 'task' || method === 'shared' || method === 'at-most-once';

/** Calls whose process lived long enough to see the outcome. */
const witnessed = (story: Story): Call[] => story.calls.filter(({ by, settled }) => settled || !story.hasEnded(by));

const seconds = (story: Story, at: number): string => `${((at - story.begin) / 1_000).toFixed(1)} s`;

function describeRun(story: Story, run: Run): string {
  return `${run.by.host}/${run.by.pid} ${seconds(story, run.begin)} to ${run.end ? seconds(story, run.end) : 'its end'}`;
}

/** An accepted task ends as reported: 'ok' means that its run has ended, and a caller that keeps asking gets the result. */
function* lostTasks(story: Story): Iterable<Found> {
  for (const call of witnessed(story)) {
    if (!isTask(call) || !call.settled) continue;
    const { outcome, value, message, at } = call.settled;
    const runs = story.runsOf.get(call.name) ?? [];
    if (outcome === 'ok') {
      const run = story.runs.get(value!);
      if (!run?.end) yield [at, `${call.name} is said to have run as ${value}, which has not ended`];
    }
    if (call.isKept && !['ok', 'ERR_CLUSTER_NOT_CONNECTED', 'ERR_CLUSTER_BACKPRESSURE'].includes(outcome)) {
      if (story.wasForgotten(call.at, at)) continue;
      const died = runs.filter((run) => run.end === undefined && story.hasEnded(run.by));
      if (outcome === 'ERR_CLUSTER_MEMBER_LOST' && died.length >= RUNS) continue;
      yield [call.at, `${call.name} ended with ${outcome} (${message}), begun ${runs.length} times`];
    }
  }
}

/** No caller is told that a task's worker was lost when no worker had begun the task. */
function* neverBegun(story: Story): Iterable<Found> {
  for (const call of witnessed(story)) {
    if (!isTask(call) || call.settled?.outcome !== 'ERR_CLUSTER_MEMBER_LOST') continue;
    if (story.runsOf.has(call.name)) continue;
    // The beginning is written down before the handler is called: the worker may have died between the two.
    const deaths = story.faultsIn(call.at - LEASE, call.settled.at).filter(({ pids }) => pids);
    if (deaths.length === 0) yield [call.at, `${call.name} (${call.method}): ${call.settled.message}`];
  }
}

/** All callers that ask for one id, or one key, get the same result. */
function* twoResults(story: Story): Iterable<Found> {
  const asked = new Map<string, Call[]>();
  for (const call of story.calls) {
    if ((isTask(call) || call.method === 'once') && call.settled?.outcome === 'ok')
      asked.set(call.name, [...(asked.get(call.name) ?? []), call]);
  }
  for (const [name, calls] of asked) {
    if (new Set(calls.map(({ settled }) => settled!.value)).size < 2) continue;
    const from = calls[0]!.at;
    if (story.wasForgotten(from, Math.max(...calls.map(({ settled }) => settled!.at)))) continue;
    const runs = story.runsOf.get(name) ?? [];
    if (runs[0] && mayBeUnknown(story, runs[0], calls)) continue;
    yield [from, `${name}: ${runs.map((run) => describeRun(story, run)).join('; ')}`];
  }
}

/**
 * Whether the result of the run may not have reached those who could tell others of it. A process that is frozen or cut off
 * while it runs a key returns its own result to its own caller, and so does one that is killed before the result has
 * reached the broker; a Redis that is cut off from its replicas takes results for 3 s more, which are lost when another
 * becomes the primary (docs/guides/many-hosts.md).
 */
function mayBeUnknown(story: Story, run: Run, calls: readonly Call[]): boolean {
  const isOfTask = !run.name.startsWith('once-');
  if (isOfTask && story.history.setup !== 'sentinel') return false;
  const isKnownToOthers = calls.some(({ by, settled }) => by !== run.by && settled!.value === run.id);
  if (!isKnownToOthers && story.hasEnded(run.by)) return true;
  return story.wasApart(run.by, run.begin, story.endOf(run) + REQUEST);
}

/** Two runs of one task or key overlap only if the first run's worker could not be told from a dead one. */
function* overlaps(story: Story): Iterable<Found> {
  for (const [name, runs] of story.runsOf) {
    for (const [index, later] of runs.entries()) {
      for (const earlier of runs.slice(0, index)) {
        if (story.endOf(earlier) <= later.begin) continue;
        if (story.wasApart(earlier.by, earlier.begin, later.begin)) continue;
        yield [later.begin, `${name}: ${describeRun(story, earlier)}; ${describeRun(story, later)}`];
      }
    }
  }
}

/** An at-most-once task runs at most once, and a key whose run has ended is not run again. */
function* repeats(story: Story): Iterable<Found> {
  const atMostOnce = new Set(story.calls.filter(({ method }) => method === 'at-most-once').map(({ name }) => name));
  for (const [name, runs] of story.runsOf) {
    const [first, second] = runs;
    if (!first || !second || story.wasForgotten(first.begin, second.begin)) continue;
    const isKey = name.startsWith('once-');
    if (!atMostOnce.has(name) && !(isKey && first.end !== undefined && first.end < second.begin)) continue;
    if (isKey && story.wasApart(first.by, first.begin, second.begin)) continue;
    yield [second.begin, `${name}: ${runs.map((run) => describeRun(story, run)).join('; ')}`];
  }
}

/** The tokens under which leaders write never fall, and no two leaders have the same one. */
function* tokens(story: Story): Iterable<Found> {
  let highest: { readonly token: number; readonly process: string } | undefined;
  for (const { at, process, token } of story.of('wrote')) {
    if (highest && token < highest.token)
      yield [at, `${process} wrote ${token} after ${highest.process} wrote ${highest.token}`];
    if (highest && token === highest.token && process !== highest.process)
      yield [at, `${process} and ${highest.process} wrote ${token}`];
    if (!highest || token > highest.token) highest = { token, process };
  }
}

/** Each worker hears a sender's broadcasts in the order in which they were sent, and none twice. */
function* order(story: Story): Iterable<Found> {
  const last = new Map<string, number>();
  for (const { at, process, sender, number } of story.of('heard')) {
    const way = `${sender} → ${process}`;
    const before = last.get(way) ?? 0;
    if (number <= before) yield [at, `${way}: ${number} after ${before}`];
    last.set(way, Math.max(number, before));
  }
}

/** A call settles by its deadline; a call without one settles when all faults are over. */
function* hung(story: Story): Iterable<Found> {
  for (const { at, method, name, settled, by } of witnessed(story)) {
    if (!settled) yield [at, `${method} ${name} of ${by.host}/${by.pid} never settled`];
  }
}

/** A call does not settle long after its deadline. */
function* overdue(story: Story): Iterable<Found> {
  for (const { at, method, name, deadline = Infinity, settled, by } of witnessed(story)) {
    if (!settled || settled.at - at <= deadline + OVERDUE || story.wasApart(by, at, settled.at)) continue;
    const took = Math.round(settled.at - at);
    yield [at, `${method} ${name} of ${by.host}/${by.pid} settled after ${took} ms, its deadline was ${deadline}`];
  }
}

/** Every worker sees all members again soon after a fault is over, unless another fault is active. */
function* members(story: Story): Iterable<Found> {
  const said = story.of('members');
  for (const record of story.history.faults) {
    const { begin, end, fault, pids } = record;
    if (pids && fault.kind.startsWith('kill')) continue; // a new process takes its own time to start
    const due = end + HEALING;
    if (due > story.history.stopped || story.faultsIn(begin, due, HEALING).length > 1) continue;
    for (const process of story.processes.values()) {
      if (process.up === undefined || process.up > begin || process.last < due) continue;
      const seen = said.findLast(({ at, process: id }) => id === process.id && at <= due)?.members ?? [];
      if (seen.length < story.history.members)
        yield [due, `${process.host}/${process.pid} saw ${seen.join(' ')} ${HEALING} ms after ${fault.kind}`];
    }
  }
}

/** No call fails when no fault is or was near. */
function* needless(story: Story): Iterable<Found> {
  for (const { at, method, name, settled, by } of witnessed(story)) {
    if (!settled || settled.outcome === 'ok' || story.faultsIn(at, settled.at, AFTERMATH).length > 0) continue;
    yield [at, `${method} ${name} of ${by.host}/${by.pid}: ${settled.outcome}, ${settled.message}`];
  }
  for (const { at, sender, number, outcome } of story.of('said')) {
    if (outcome !== 'ok' && story.faultsIn(at, at, AFTERMATH).length === 0)
      yield [at, `broadcast ${number} of ${sender}: ${outcome}`];
  }
}

/** A broadcast that no fault disturbed is heard by every worker that was up. */
function* lostBroadcasts(story: Story): Iterable<Found> {
  const heard = new Set(story.of('heard').map(({ process, sender, number }) => `${process} ${sender} ${number}`));
  for (const { at, sender, number, outcome } of story.of('said')) {
    if (outcome !== 'ok' || story.faultsIn(at - REQUEST, at + REQUEST, AFTERMATH).length > 0) continue;
    for (const { id, up, last } of story.processes.values()) {
      if (up === undefined || up > at - REQUEST || last < at + REQUEST) continue;
      if (!heard.has(`${id} ${sender} ${number}`)) yield [at, `${number} of ${sender} was not heard by ${id}`];
    }
  }
}

/** HTTP requests are answered whatever happens to the broker, except by a worker that is killed or frozen. */
function* failedRequests(story: Story): Iterable<Found> {
  for (const { at, took, host, error } of requests(story)) {
    if (error !== undefined) yield [at, `${host}: ${error} after ${Math.round(took)} ms`];
  }
}

/** They are answered soon. */
function* slowRequests(story: Story): Iterable<Found> {
  for (const { at, took, host } of requests(story)) {
    if (took > REQUEST) yield [at, `${host}: answered after ${Math.round(took)} ms`];
  }
}

/** The requests that no kill or freeze of a worker excuses. */
function requests(story: Story): Probe[] {
  return story.history.probes.filter(({ at, took, host, error }) => {
    if (at < story.history.started || at > story.history.stopped) return false;
    const faults = story.faultsIn(at, at + took, REQUEST);
    if (faults.some(({ fault, pids }) => pids && 'host' in fault && fault.host === host)) return false;
    return error === undefined || !isStarting(story, host, at);
  });
}

/** A host runs until it is asked to stop, unless it was started while its credentials were revoked. */
function* ended(story: Story): Iterable<Found> {
  for (const { at, host, code } of story.history.exits) {
    const isRefused = story.faultsIn(at, at).some(({ fault }) => fault.kind === 'revoke');
    if (!isRefused || !isStarting(story, host, at)) yield [at, `${host}: ${code}`];
  }
}

/** Whether the host was killed as a whole and has not answered since. */
function isStarting(story: Story, host: string, at: number): boolean {
  const killed = story.history.faults.findLast(
    ({ fault, begin }) => fault.kind === 'kill-host' && fault.host === host && begin <= at,
  );
  if (!killed) return false;
  return !story.history.probes.some(
    (probe) => probe.host === host && probe.at > killed.end && probe.at < at && !probe.error,
  );
}
