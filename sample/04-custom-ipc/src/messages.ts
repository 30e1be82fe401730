/** Messages of this app's own over the IPC channel, in both directions. The package lets them pass. */
export interface Question {
  readonly cmd: 'who-am-i';
  readonly question: number;
}

export interface Reply {
  readonly cmd: 'you-are';
  readonly question: number;
  readonly workerId: number;
  readonly primaryPid: number;
}

/** Comes with the socket of a client that the primary has accepted. */
export interface Visitor {
  readonly cmd: 'visitor';
}

/** Whether `message` is one of this app's, of that kind. */
export function is<M extends { cmd: string }>(message: unknown, cmd: M['cmd']): message is M {
  return typeof message === 'object' && message !== null && (message as { cmd?: unknown }).cmd === cmd;
}
