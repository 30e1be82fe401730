import { resolveOptions } from '../../../../lib/options/resolve-options.js';
import type { ClusterOptions } from '../../../../lib/options/cluster-options.interface.js';
import { Supervisor } from '../../../../lib/primary/supervisor/supervisor.js';
import type {
  SupervisorAction,
  SupervisorEvent,
  WorkerRecord,
} from '../../../../lib/primary/supervisor/supervisor.types.js';

const VITALS = { loopDelay: 0, utilisation: 0, rss: 1, requests: 0, inFlight: 0, connections: 0, inspected: false };

type ActionOf<T extends SupervisorAction['type']> = Extract<SupervisorAction, { type: T }>;

/** A supervisor with a clock the test turns by hand. Workers do nothing unless told. */
export class World {
  now = 1_000;
  readonly supervisor: Supervisor;
  readonly actions: SupervisorAction[] = [];
  /** Workers that beat whenever time passes. */
  beating = true;

  /** Called with the actions of each event. */
  watch: (actions: readonly SupervisorAction[]) => void = () => {};

  constructor(
    { isWatched, ...options }: ClusterOptions & { workers: number; isWatched?: boolean },
    random: () => number = () => 0.5,
  ) {
    this.supervisor = new Supervisor({ ...resolveOptions(options), workers: options.workers, isWatched }, random);
  }

  start(): this {
    this.tell({ type: 'start' });
    return this;
  }

  /** Starts and lets every worker become ready. */
  up(): this {
    this.start();
    for (const worker of this.workers) this.ready(worker.id);
    this.actions.length = 0;
    return this;
  }

  tell(event: SupervisorEvent): SupervisorAction[] {
    const actions = this.supervisor.handle(event, this.now);
    this.actions.push(...actions);
    this.watch(actions);
    this.supervisor.expectWake(this.supervisor.wakeAt);
    return actions;
  }

  ready(id: number): SupervisorAction[] {
    this.tell({ type: 'online', id });
    return this.tell({ type: 'ready', id });
  }

  exit(id: number, code: number | null = 1, signal: string | null = null): SupervisorAction[] {
    return this.tell({ type: 'exited', id, code, signal });
  }

  beat(id: number): SupervisorAction[] {
    return this.tell({ type: 'heartbeat', id, seq: 1, vitals: VITALS });
  }

  /** Lets `ms` pass, waking the supervisor whenever it asked for it, and beating for whoever is alive. */
  pass(ms: number, silent: readonly number[] = []): void {
    const end = this.now + ms;
    let nextBeat = this.now + 1_000;
    for (let turns = 0; ; turns += 1) {
      if (turns > 10_000) throw new Error(`busy loop: wakeAt ${this.supervisor.wakeAt} at ${this.now}`);
      const at = Math.min(this.supervisor.wakeAt, this.beating ? nextBeat : Infinity);
      if (at > end) break;
      this.now = Math.max(this.now, at);
      if (this.beating && this.now >= nextBeat) {
        nextBeat += 1_000;
        for (const { id } of this.workers) if (!silent.includes(id)) this.beat(id);
      }
      this.tell({ type: 'tick' });
    }
    this.now = end;
  }

  get workers(): WorkerRecord[] {
    return [...this.supervisor.state.workers.values()];
  }

  get serving(): WorkerRecord[] {
    return this.workers.filter((worker) => worker.phase === 'ready' && !worker.leaving);
  }

  get forked(): ActionOf<'fork'>[] {
    return this.all('fork');
  }

  all<T extends SupervisorAction['type']>(type: T): ActionOf<T>[] {
    return this.actions.filter((action): action is ActionOf<T> => action.type === type);
  }

  /** The worker that was forked last. */
  get latest(): number {
    return Math.max(...this.workers.map(({ id }) => id));
  }

  /** Worker that serves the slot or is to. */
  current(slot: number): number {
    return this.supervisor.state.slots[slot]!.current!;
  }
}
