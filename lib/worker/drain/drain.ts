import { type Clock, sleep, endOfTurn, whenAborted } from '../../platform/clock.js';

/** How long clients that just connected may take to send their request, in ms (measured: 250 lost none). */
export const LINGER = 250;

/**
 * How long idle keep-alive connections are left to their clients, in ms. A connection that is used again
 * meanwhile is closed by its response, which no client can misread; one that we close may lose the request
 * that is on its way at that moment. Node's own `keepAliveTimeout`, which clients are told of, is as long.
 */
export const IDLE_GRACE = 5_000;

/** The same where the whole cluster stops: nobody is there to take the client's next connection. */
export const IDLE_GRACE_AT_STOP = 1_000;

/** How often idle connections are looked for afterwards, in ms. */
export const SWEEP_INTERVAL = 50;

/** Connections on which nothing happens for this long (ms) once no request is in flight are closed by us. */
export const SILENCE_LIMIT = 2_000;

/** What a drain has to do with. */
export interface DrainSubject {
  readonly servers: {
    stopListening(): void;
    /** Ends what would never end by itself and is there now. */
    closeLongLived(clock: Clock): Promise<void>;
    /** The time is over: answers what can be told so. */
    giveUp(clock: Clock): Promise<void>;
    closeIdle(): void;
    closeAll(): void;
    httpConnections(): Promise<number>;
    readonly inFlight: number;
  };
  /** Resolves when those clients are let in who came before the word to leave. */
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
  /** Resolves when the primary has seen everything this worker sent. */
  barrier(): Promise<void>;
}

/**
 * Leaves without losing a request: stop accepting, let what is in flight end, close the application,
 * then make sure nothing of it is still on its way. Ends early when `deadline` aborts.
 *
 * @param idleGrace how long idle connections are left to their clients, in ms
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
      // What came while others had their turn is read first.
      await endOfTurn();
      // Opened ahead of need and never used: no request of theirs can be lost.
      if (servers.inFlight === 0) return servers.closeAll();
    }
  }

  /** Not once: a client may begin an endless stream over a connection that it has had all along. */
  async function closeAllLongLived(): Promise<void> {
    for (; !disconnected && !deadline.aborted; await sleep(clock, SWEEP_INTERVAL)) await servers.closeLongLived(clock);
  }
}
