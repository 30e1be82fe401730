import type { Worker } from 'node:cluster';

/** node:cluster's own message that hands a connection to a worker, as far as it is looked at. */
interface HandOff {
  readonly cmd: 'NODE_CLUSTER';
  readonly act: 'newconn';
  readonly seq: number;
}

/**
 * Saves the connections that are in the hand of a dying worker. In round robin the primary hands each
 * connection over and waits for the worker's word that it took it; a worker that dies in between never
 * answers, node:cluster keeps waiting, and the client hangs (nodejs/node#3551, #21746). The guard notes
 * what was handed over and not yet acknowledged; when the worker is gone it answers "not accepted" in its
 * place, upon which node:cluster gives the connection to another worker.
 *
 * The messages are private to Node (seen the same in 20, 22, 24 and 26): anything that does not look like
 * them passes untouched, and then there is no guard and nothing else changes.
 */
export function guardHandOffs(worker: Worker): void {
  const { process: child } = worker;
  const pending = new Set<number>();
  const send = child.send.bind(child) as (...args: unknown[]) => boolean;
  child.send = (message: unknown, ...rest: unknown[]): boolean => {
    if (isHandOff(message)) pending.add(message.seq);
    return send(message, ...rest);
  };
  child.on('internalMessage', (message: { ack?: unknown }) => {
    if (typeof message?.ack === 'number') pending.delete(message.ack);
  });
  // Dead and disconnected, in whichever order node:cluster hears of it (a blocked worker that is killed only
  // ever says 'exit'), and with node:cluster's own listeners done: it gives the worker no connection any more.
  const release = (): void => {
    if (child.connected || (child.exitCode === null && child.signalCode === null)) return;
    for (const seq of pending) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false });
    pending.clear();
  };
  for (const event of ['exit', 'disconnect']) child.once(event, () => setImmediate(release));
}

function isHandOff(message: unknown): message is HandOff {
  const { cmd, act, seq } = (message ?? {}) as Partial<Record<keyof HandOff, unknown>>;
  return cmd === 'NODE_CLUSTER' && act === 'newconn' && typeof seq === 'number';
}
