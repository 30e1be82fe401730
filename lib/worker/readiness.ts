/**
 * How long after its boot an HTTP application may take until it is asked to listen, in ms: `app.init()` and
 * `app.listen()` are often two calls, with work between them. An application that does not listen by then is ready. If
 * the worker before it was ready and never listened, this one is not expected to listen.
 */
export const LISTEN_GRACE = 1_000;

/** How long a worker waits for servers that the worker before it had and it does not have yet, in ms. */
export const MISSING_SERVER_GRACE = 10_000;

/** What is known of this worker's boot. */
export interface BootState {
  /** An open application has run its bootstrap hooks. */
  readonly hasBooted: boolean;
  /** One of them is an HTTP application, which is expected to listen. */
  readonly isHttp: boolean;
  /** An HTTP application that has not booted runs a microservice: some hybrids never call init() or listen(). */
  readonly isHybrid: boolean;
  /** A server was asked to listen and does not listen yet, or it failed to and no other server listens. */
  readonly isListenPending: boolean;
  /** How many servers listen. */
  readonly servers: number;
  /** How many servers the worker before it listens with; undefined if there was none. */
  readonly serversBefore: number | undefined;
  /** When any of this changed last, in ms of the clock. */
  readonly changedAt: number;
}

/** Ready, or the reason why not, and the time at which to check again (Infinity: only after a change). */
export type Readiness =
  { readonly isReady: true } | { readonly isReady: false; readonly reason: string; readonly at: number };

/**
 * Whether the worker counts as ready: its bootstrap hooks have run, and every server that was asked to listen does. A
 * worker that replaces one that listened must listen, too: the old one leaves when the new one is ready.
 */
export function readiness(boot: BootState, now: number): Readiness {
  const { servers, serversBefore = 0, changedAt } = boot;
  if (!boot.hasBooted && !boot.isHybrid) return notReady('no application has finished its boot');
  if (boot.isListenPending) return notReady('a server that was asked to listen does not listen');
  const bootsBy = boot.hasBooted ? now : changedAt + LISTEN_GRACE;
  if (now < bootsBy) return notReady('app.init() or app.listen() may follow', bootsBy);
  if (servers === 0 && serversBefore > 0) {
    return notReady('no server listens, and the worker before it listened: call app.listen(), or restart the cluster');
  }
  const missing = serversBefore - servers;
  if (missing > 0) {
    const reason = `the worker before it listened with ${serversBefore} servers, ${missing} more than this one`;
    return readyAt(changedAt + MISSING_SERVER_GRACE, reason, now);
  }
  if (servers === 0 && boot.isHttp && boot.serversBefore === undefined)
    return readyAt(changedAt + LISTEN_GRACE, 'app.listen() may follow', now);
  return { isReady: true };
}

function notReady(reason: string, at = Infinity): Readiness {
  return { isReady: false, reason, at };
}

function readyAt(at: number, reason: string, now: number): Readiness {
  return now >= at ? { isReady: true } : notReady(reason, at);
}
