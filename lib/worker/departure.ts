import type { Bus } from '../bus/bus.interface.js';
import { type Clock, sleep, whenAborted } from '../platform/clock.js';
import { EXIT_UNFINISHED } from '../protocol/exit-codes.js';
import type { FromWorker } from '../protocol/messages.js';
import { drain, type DrainSubject } from './drain/drain.js';
import type { PassOn } from './drain/message-connections.js';
import type { MessageTerms } from './drain/microservices.js';

/** Time left for the application's shutdown hooks once the drain's deadline has passed, in ms. */
const DEADLINE_CLOSE_TIMEOUT = 1_000;

/** What a worker leaves behind, and how it tells the others. */
export interface Departing {
  readonly servers: DrainSubject['servers'];
  /** Another one once the options name an engine. */
  readonly bus: Pick<Bus, 'drained' | 'close'>;
  /** Whether it was ever ready: nobody has sent anything to a worker that was not. */
  readonly isReady: boolean;
  /** Whether its primary lives. */
  readonly isConnected: boolean;
  /** Takes the clients that wait in the kernel's queue. */
  drainBacklog(): Promise<void>;
  /** Leads no longer. */
  resign(): void;
  /** @returns false where there is no primary any more */
  send(message: FromWorker): boolean;
  readonly passOn: PassOn;
  leaveMicroservices(terms: MessageTerms): Promise<void>;
  /** Resolves when no handler of the messenger runs. */
  handlersDone(): Promise<void>;
  /** Closes the Nest applications; logs what fails. */
  closeApps(): Promise<void>;
  /** The application's own listeners of the signal by which the worker ends; one of them may end the process. */
  runSignalListeners(): Promise<void>;
  /** The exit code that the application has chosen. */
  readonly exitCode: typeof process.exitCode;
  exit(code: typeof process.exitCode): void;
}

/** How a worker is to leave. */
export interface DepartureTerms {
  /** How long what is in flight may take, in ms. */
  readonly timeout: number;
  /** Exit code where everything ended well and the application has chosen none. */
  readonly code: number;
  /** How long idle connections are left to their clients, in ms; half of the timeout at most. */
  readonly idleGrace: number;
}

/** A worker leaves, once: it drains, closes the application, makes sure that all it said was heard, and exits. */
export class Departure {
  /** Resolves when the applications are closed. */
  readonly appsClosed: Promise<void>;
  /** The whole cluster stops: no other worker takes what this one leaves. */
  isLast = false;
  private leaving: Promise<void> | undefined;
  private readonly deadline = new AbortController();
  /** From when on a SIGTERM can be the primary's, in ms of the clock. */
  private endableFrom = 0;
  private announceAppsClosed: () => void = () => {};
  private onBarrier: (() => void) | undefined;

  constructor(
    private readonly worker: Departing,
    private readonly clock: Clock,
  ) {
    this.appsClosed = new Promise((resolve) => (this.announceAppsClosed = resolve));
  }

  get hasBegun(): boolean {
    return this.leaving !== undefined;
  }

  /** Resolves when the process is told to exit; does nothing more where it leaves already. */
  begin(terms: DepartureTerms): Promise<void> {
    // The primary counts from when it said so, which a busy worker hears late.
    if (!this.hasBegun) this.endableFrom = this.clock.now() + terms.timeout / 2;
    this.leaving ??= this.leave(terms);
    return this.leaving;
  }

  /** What is in flight is given up now. */
  endNow(): void {
    this.deadline.abort();
  }

  /** A SIGTERM: a service manager signals every process at once, and the primary's own comes at the deadline. */
  endBySignal(): void {
    if (this.clock.now() >= this.endableFrom) this.endNow();
  }

  /** Resolves when the primary has handled everything that was sent before; undefined where there is no primary. */
  barrier(): Promise<void> | undefined {
    const passed = new Promise<void>((resolve) => (this.onBarrier = resolve));
    return this.worker.send({ type: 'barrier' }) ? passed : undefined;
  }

  /** The primary has answered the barrier, or is gone. */
  barrierPassed(): void {
    this.onBarrier?.();
  }

  private async leave({ timeout, code, idleGrace }: DepartureTerms): Promise<void> {
    const { worker, clock } = this;
    const deadline = this.deadline.signal;
    worker.resign();
    const isOrphan = !worker.isConnected;
    if (code !== 0) clock.after(timeout, () => this.endNow());
    const outcome = await drain(
      {
        servers: worker.servers,
        drainBacklog: () => worker.drainBacklog(),
        closed: () => void worker.send({ type: 'stopped-listening' }),
        messagesDone: (requestsDone) => this.messagesDone(requestsDone, timeout / 2),
        handlersDone: async () => {
          if (worker.isReady && !isOrphan && worker.send({ type: 'clients-gone' })) await worker.bus.drained;
          await worker.handlersDone();
        },
        closeApp: () => this.closeApps(),
        barrier: async () => {
          await worker.bus.close();
          await this.barrier();
        },
      },
      clock,
      // Half of the time at most goes to connections on which nothing happens.
      Math.min(idleGrace, timeout / 2),
      deadline,
    );
    if (outcome === 'drained') await Promise.race([worker.runSignalListeners(), whenAborted(deadline)]);
    worker.exit(outcome === 'drained' ? (worker.exitCode ?? code) : EXIT_UNFINISHED);
  }

  /** Messages of microservices. @param patience how long (ms) is waited for what may never end */
  private async messagesDone(requestsDone: Promise<void>, patience: number): Promise<void> {
    const { worker } = this;
    const isLast = this.isLast || !worker.isConnected;
    // A request in flight may need an answer by a message, and there is no other worker to give it.
    if (isLast) await Promise.race([requestsDone, sleep(this.clock, patience)]);
    const passOn = isLast ? undefined : worker.passOn;
    await worker.leaveMicroservices({ patience, deadline: this.deadline.signal, passOn });
  }

  private async closeApps(): Promise<void> {
    await Promise.race([this.worker.closeApps(), this.afterDeadline()]);
    this.announceAppsClosed();
  }

  private async afterDeadline(): Promise<void> {
    await whenAborted(this.deadline.signal);
    await sleep(this.clock, DEADLINE_CLOSE_TIMEOUT);
  }
}
