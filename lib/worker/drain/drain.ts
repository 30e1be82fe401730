import { type Clock, sleep, endOfTurn, whenAborted } from '../../platform/clock.js';

/** How long clients that just connected may take to send their request, in ms (measured: 250 lost none). */
export const LINGER = 250;

/**
 * How long idle keep-alive connections stay open for their clients, in ms. If a connection is used again meanwhile, its
 * response closes it, which no client can misread. If we close it, a request that is on its way at that moment may be
 * lost. Node's own `keepAliveTimeout`, of which clients are told, is as long.
 */
export const IDLE_GRACE = 5_000;

/** The same if the whole cluster stops: no worker is left that could take the client's next connection. */
export const IDLE_GRACE_AT_STOP = 1_000;

/** Interval at which idle connections are looked for afterwards, in ms. */
export const SWEEP_INTERVAL = 50;

/** Once no request has been in flight for this time (ms), the connections that are left are closed. */
export const SILENCE_LIMIT = 2_000;

/** The parts of a worker that a drain uses. */
export interface DrainSubject {
  readonly servers: {
    stopListening(): void;
    /** Ends the connections and streams that are open now and would never end by themselves. */
    closeLongLived(clock: Clock): Promise<void>;
    /** The time is over: ends the requests in flight whose protocol has an answer for that (gRPC). */
    giveUp(clock: Clock): Promise<void>;
    closeIdle(): void;
    closeAll(): void;
    httpConnections(): Promise<number>;
    readonly inFlight: number;
  };
  /** Resolves when the clients that connected before the worker was told to leave are accepted. */
  drainBacklog(): Promise<void>;
  /** No server listens any more. */
  closed(): void;
  /**
   * Resolves when no message of a microservice is in flight and none follows.
   * @param requestsDone resolves when the connections of the servers are done
   */
  messagesDone(requestsDone: Promise<void>): Promise<void>;
  /** Resolves when no new message of the bus follows and every running handler is done. */
  handlersDone(): Promise<void>;
  /** Closes the Nest application: its own shutdown hooks run here, after the last request. */
  closeApp(): Promise<void>;
  /** Resolves when the primary has handled everything that this worker sent. */
  barrier(): Promise<void>;
}

/**
 * Leaves without losing a request: stops accepting, lets running work finish, closes the application, and then waits
 * until everything that it sent has arrived. Ends early when `deadline` aborts.
 *
 * @param idleGrace how long idle connections stay open for their clients, in ms
 */
export async function drain(
  subject: DrainSubject,
  clock: Clock,
  idleGrace: number,
  deadline: AbortSignal,
): Promise<'drained' | 'timed-out'> {
  const { servers } = subject;
  let disconnected = false;
  const passed = whenAborted(deadline);
  const requestsDone = leaveServers();
  await Promise.race([Promise.all([requestsDone, subject.messagesDone(requestsDone)]), passed]);
  disconnected = true;
  await Promise.race([subject.handlersDone(), passed]);
  if (deadline.aborted) await servers.giveUp(clock);
  await subject.closeApp();
  await Promise.race([subject.barrier(), passed]);
  return deadline.aborted ? 'timed-out' : 'drained';

  async function leaveServers(): Promise<void> {
    await subject.drainBacklog();
    servers.stopListening();
    subject.closed();
    await connectionsDone();
  }

  async function connectionsDone(): Promise<void> {
    const closeIdleAt = clock.now() + idleGrace;
    await sleep(clock, Math.min(LINGER, idleGrace));
    void closeAllLongLived();
    for (let busyAt = clock.now(); !deadline.aborted; await sleep(clock, SWEEP_INTERVAL)) {
      const idleMayGo = clock.now() >= closeIdleAt;
      if (idleMayGo) servers.closeIdle();
      if (servers.inFlight > 0 || !idleMayGo) busyAt = clock.now();
      if (servers.inFlight === 0 && (await servers.httpConnections()) === 0) return;
      if (clock.now() - busyAt < SILENCE_LIMIT) continue;
      // Requests that have arrived meanwhile are read first.
      await endOfTurn();
      // The connections that are left were opened in advance and never used: no request of theirs can be lost.
      if (servers.inFlight === 0) return servers.closeAll();
    }
  }

  /** Repeats this: a client may begin an endless stream over a connection that it already has. */
  async function closeAllLongLived(): Promise<void> {
    for (; !disconnected && !deadline.aborted; await sleep(clock, SWEEP_INTERVAL)) await servers.closeLongLived(clock);
  }
}
