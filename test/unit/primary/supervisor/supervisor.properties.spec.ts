import { describe, expect, it } from '@jest/globals';
import { fc } from '../../../support/fast-check.js';
import type { SupervisorAction, WorkerRecord } from '../../../../lib/primary/supervisor/supervisor.types.js';
import { World } from './world.js';

/** What may happen to a cluster; `pick` chooses a worker among those it can happen to. */
type Happening =
  | {
      kind:
        | 'becomes ready'
        | 'exits'
        | 'fails'
        | 'retires'
        | 'disconnects'
        | 'is cut off'
        | 'is not forked'
        | 'beats'
        | 'obeys';
      pick: number;
    }
  | { kind: 'reload'; requester: number }
  | { kind: 'scale'; workers: number }
  | { kind: 'time'; ms: number };

const pick = fc.nat({ max: 20 });
const onWorker = (kind: Extract<Happening, { pick: number }>['kind']) => fc.record({ kind: fc.constant(kind), pick });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: onWorker('becomes ready') },
  { weight: 3, arbitrary: onWorker('exits') },
  { weight: 1, arbitrary: onWorker('fails') },
  { weight: 1, arbitrary: onWorker('retires') },
  { weight: 1, arbitrary: onWorker('disconnects') },
  { weight: 1, arbitrary: onWorker('is cut off') },
  { weight: 1, arbitrary: onWorker('is not forked') },
  { weight: 3, arbitrary: onWorker('beats') },
  { weight: 4, arbitrary: onWorker('obeys') },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reload' as const), requester: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('scale' as const), workers: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 20_000 }) }) },
);

const cluster = fc.record({
  workers: fc.integer({ min: 1, max: 4 }),
  surge: fc.integer({ min: 1, max: 3 }),
  onFailure: fc.constantFrom('keep' as const, 'rollback' as const),
  happenings: fc.array(happening, { maxLength: 60 }),
});

const LEASE = 3_000;

const byNumber = (a: number, b: number): number => a - b;

/** Watches a world for what must never be. */
class Witness {
  private readonly leaders = new Map<number, number>();
  private lastLease: { id: number; until: number } | undefined;

  constructor(private readonly world: World) {
    world.beating = false;
    world.watch = (actions) => this.look(actions);
  }

  /** How many events were looked at. */
  looks = 0;

  private look(actions: readonly SupervisorAction[]): void {
    this.looks += 1;
    for (const action of actions) this.judge(action);
    const { state } = this.world.supervisor;
    const referred = state.slots
      .flatMap(({ current, successor }) => [current, successor])
      .filter((id) => id !== undefined);
    const wanted = [...state.workers.values()].filter(({ leaving }) => !leaving).map(({ id }) => id);
    // Every worker that is not on its way out has exactly one place, and every place a living worker.
    if (String(referred.sort(byNumber)) !== String(wanted.sort(byNumber)))
      throw new Error(`places ${referred} for workers ${wanted}`);
    if (state.phase === 'running' && state.slots.length !== state.target) throw new Error('a slot too many or too few');
  }

  private judge(action: SupervisorAction): void {
    if (action.type === 'drain' && ['reload', 'recycle', 'retire'].includes(action.reason))
      this.judgeReplacement(action.id);
    if (action.type !== 'lease' || action.term === undefined) return;
    const known = this.leaders.get(action.term);
    if (known !== undefined && known !== action.id) throw new Error(`two leaders in term ${action.term}`);
    this.leaders.set(action.term, action.id);
    const { lastLease, world } = this;
    const isAlive = lastLease !== undefined && world.supervisor.state.workers.has(lastLease.id);
    // Another may lead only when the last leader's lease has run out, or its process is gone.
    if (lastLease && lastLease.id !== action.id && isAlive && world.now < lastLease.until) {
      throw new Error('two leaders at a time');
    }
    this.lastLease = { id: action.id, until: world.now + LEASE };
  }

  /** Who leaves for a replacement leaves only when that serves: capacity does not fall. */
  private judgeReplacement(id: number): void {
    const { state } = this.world.supervisor;
    // One that never served is no capacity.
    if (state.workers.get(id)!.readyAt === undefined) return;
    const slot = state.slots[state.workers.get(id)!.slot]!;
    const successor = state.workers.get(slot.current ?? -1);
    if (successor?.readyAt === undefined || successor.id === id) throw new Error(`worker ${id} leaves unreplaced`);
  }
}

function happen(world: World, what: Happening): void {
  const among = (suits: (worker: WorkerRecord) => boolean, act: (worker: WorkerRecord) => void): void => {
    const candidates = world.workers.filter(suits);
    const chosen = candidates[(what as { pick: number }).pick % Math.max(1, candidates.length)];
    if (chosen) act(chosen);
  };
  const error = { name: 'Error', message: 'boom' };
  switch (what.kind) {
    case 'becomes ready':
      return among(
        ({ readyAt }) => readyAt === undefined,
        ({ id }) => world.ready(id),
      );
    case 'exits':
      return among(
        () => true,
        ({ id }) => world.exit(id, null, 'SIGKILL'),
      );
    case 'fails':
      return among(
        ({ readyAt }) => readyAt !== undefined,
        ({ id }) => world.tell({ type: 'failing', id, error }),
      );
    case 'retires':
      return among(
        () => true,
        ({ id }) => world.tell({ type: 'retire', id, reason: 'SIGTERM' }),
      );
    case 'disconnects':
      return among(
        () => true,
        ({ id }) => world.tell({ type: 'disconnected', id }),
      );
    case 'is cut off':
      return among(
        () => true,
        ({ id }) => world.tell({ type: 'cut-off', id, reason: 'the connection was closed' }),
      );
    case 'is not forked':
      return among(
        ({ phase }) => phase === 'spawning',
        ({ id }) => world.tell({ type: 'exited', id, code: null, signal: null, error: 'spawn EMFILE' }),
      );
    case 'beats':
      return among(
        ({ exitDueAt }) => exitDueAt === undefined,
        ({ id }) => world.beat(id),
      );
    case 'obeys':
      return among(
        ({ leaving }) => leaving !== undefined,
        ({ id }) => world.exit(id, 0),
      );
    case 'reload':
      return void world.tell({ type: 'reload', requester: what.requester });
    case 'scale':
      return void world.tell({ type: 'scale', workers: what.workers });
    case 'time':
      return world.pass(what.ms);
  }
}

/** From now on everybody does what is expected of a healthy worker. */
function calmDown(world: World): void {
  world.beating = true;
  for (let step = 0; step < 36; step += 1) {
    for (const worker of world.workers) {
      if (worker.leaving || worker.exitDueAt !== undefined) world.exit(worker.id, 0);
      else if (worker.readyAt === undefined) world.ready(worker.id);
    }
    // Short steps first, so that a reload goes on; then long ones, for the breaker's probes.
    world.pass(step < 24 ? 2_500 : 30_000);
  }
}

describe('whatever happens', () => {
  it('keeps capacity in a replacement, one leader per term, no slot leaked, and reaches N in the end', () => {
    fc.assert(
      fc.property(cluster, ({ workers, surge, onFailure, happenings }) => {
        const world = new World({ workers, reload: { surge, onFailure } }).up();
        const witness = new Witness(world);
        for (const what of happenings) happen(world, what);
        calmDown(world);
        expect(witness.looks).toBeGreaterThan(0);
        const { state } = world.supervisor;
        expect(world.serving.map(({ slot }) => slot).sort(byNumber)).toEqual(state.slots.map(({ index }) => index));
        expect(world.workers).toHaveLength(state.target);
        expect(state.slots.filter(({ replace }) => replace)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('stops in the end, with nobody left, from wherever it is told to', () => {
    fc.assert(
      fc.property(cluster, ({ workers, surge, onFailure, happenings }) => {
        const world = new World({ workers, reload: { surge, onFailure } }).up();
        for (const what of happenings) happen(world, what);
        world.tell({ type: 'stop', code: 0 });
        const left = world.workers.map(({ id }) => id);
        world.pass(60_000);
        // Nobody obeys: each is ended by force in time, and nobody is forked.
        expect(world.workers.map(({ id }) => id)).toEqual(left);
        const killed = world.all('kill').filter(({ signal }) => signal === 'SIGKILL');
        for (const id of left) expect(killed.map((kill) => kill.id)).toContain(id);
        for (const id of left) world.exit(id, null, 'SIGKILL');
        expect(world.all('exit')).toHaveLength(1);
      }),
      { numRuns: 100 },
    );
  });
});
