import type { Worker } from 'node:cluster';
import { elapsed, systemClock } from '../platform/clock.js';

/** How often, and how long at most, a dead worker's channel is looked at for its end, in ms. */
const CHANNEL_POLL = 5;
const CHANNEL_TIMEOUT = 1_000;

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
  let heardDisconnect = false;
  child.once('disconnect', () => (heardDisconnect = true));
  child.once('exit', () => {
    void channelClosed(child).then(() => {
      // With a hand-off open Node never says so, and node:cluster would keep the dead worker in its queues.
      if (!heardDisconnect) child.emit('disconnect');
      for (const seq of pending) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false });
      pending.clear();
    });
  });
}

/** Resolves when what the dead process wrote to its channel was read, and the channel's end with it. */
async function channelClosed(child: { readonly connected: boolean }): Promise<void> {
  const until = systemClock.now() + CHANNEL_TIMEOUT;
  do await elapsed(systemClock, CHANNEL_POLL);
  while (child.connected && systemClock.now() < until);
}

function isHandOff(message: unknown): message is HandOff {
  const { cmd, act, seq } = (message ?? {}) as Partial<Record<keyof HandOff, unknown>>;
  return cmd === 'NODE_CLUSTER' && act === 'newconn' && typeof seq === 'number';
}
