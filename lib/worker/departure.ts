import type { Bus } from '../bus/bus.interface.js';
import { type Clock, sleep, whenAborted } from '../platform/clock.js';
import { EXIT_UNFINISHED } from '../protocol/exit-codes.js';
import type { FromWorker } from '../protocol/messages.js';
import { drain, type DrainSubject } from './drain/drain.js';
import type { PassOn } from './drain/message-connections.js';
import type { MessageTerms } from './drain/microservices.js';

/** Time left for the application's shutdown hooks once the drain's deadline has passed, in ms. */
const DEADLINE_CLOSE_TIMEOUT = 1_000;

/** The parts of a worker that its departure uses. */
export interface Departing {
  readonly servers: DrainSubject['servers'];
  /** Replaced by another bus if the options name an engine. */
  readonly bus: Pick<Bus, 'drained' | 'close'>;
  /** Whether it was ever ready: no messages were sent to a worker that was not. */
  readonly isReady: boolean;
  /** Whether its primary is alive. */
  readonly isConnected: boolean;
  /** Accepts the clients that wait in the kernel's queue. */
  drainBacklog(): Promise<void>;
  /** Gives up the leadership. */
  resign(): void;
  /** @returns false if there is no primary any more */
  send(message: FromWorker): boolean;
  readonly passOn: PassOn;
  leaveMicroservices(terms: MessageTerms): Promise<void>;
  /** Resolves when no handler of the messenger runs. */
  handlersDone(): Promise<void>;
  /** Closes the Nest applications; logs what fails. */
  closeApps(): Promise<void>;
  /** Calls the application's own listeners of the signal that ends the worker; one of them may end the process. */
  runSignalListeners(): Promise<void>;
  /** The exit code that the application has chosen. */
  readonly exitCode: typeof process.exitCode;
  exit(code: typeof process.exitCode): void;
}

/** How a worker should leave. */
export interface DepartureTerms {
  /** How long running work may take, in ms. */
  readonly timeout: number;
  /** The exit code if everything ended well and the application has chosen none. */
  readonly code: number;
  /** How long idle connections stay open for their clients, in ms; at most half of the timeout. */
  readonly idleGrace: number;
}

/**
 * Makes the worker leave, once: it drains, closes the application, makes sure that everything it sent has arrived, and
 * exits.
 */
export class Departure {
  /** Resolves when the applications are closed. */
  readonly appsClosed: Promise<void>;
  /** Whether the whole cluster stops, so that no other worker takes over what this one leaves. */
  isLast = false;
  private leaving: Promise<void> | undefined;
  private readonly deadline = new AbortController();
  /** The time from which a SIGTERM can be the primary's, in ms of the clock. */
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

  /** Begins to leave, unless the worker is already leaving. Resolves when the process has been told to exit. */
  begin(terms: DepartureTerms): Promise<void> {
    // The primary's time starts when it sends the message, which a busy worker reads later.
    if (!this.hasBegun) this.endableFrom = this.clock.now() + terms.timeout / 2;
    this.leaving ??= this.leave(terms);
    return this.leaving;
  }

  /** Gives up the running work now. */
  endNow(): void {
    this.deadline.abort();
  }

  /**
   * Handles a SIGTERM. An early one is ignored: it comes from a service manager, which signals every process at once.
   * The primary sends its own at the deadline, and it ends the worker.
   */
  endBySignal(): void {
    if (this.clock.now() >= this.endableFrom) this.endNow();
  }

  /** Resolves when the primary has handled everything that was sent before; undefined if there is no primary. */
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
      // Connections on which nothing happens get at most half of the time.
      Math.min(idleGrace, timeout / 2),
      deadline,
    );
    if (outcome === 'drained') await Promise.race([worker.runSignalListeners(), whenAborted(deadline)]);
    worker.exit(outcome === 'drained' ? (worker.exitCode ?? code) : EXIT_UNFINISHED);
  }

  /**
   * Resolves when the messages of microservices are done.
   * @param patience how long to wait for work that may never end, in ms
   */
  private async messagesDone(requestsDone: Promise<void>, patience: number): Promise<void> {
    const { worker } = this;
    const isLast = this.isLast || !worker.isConnected;
    // A request in flight may need the answer to a message, and no other worker is left to give it.
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
