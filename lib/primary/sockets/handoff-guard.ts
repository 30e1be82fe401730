import type { Worker } from 'node:cluster';
import { sleep, systemClock, until } from '../../platform/clock.js';

/** How long this process may take to read what a channel holds, in ms. */
const CHANNEL_DELAY = 5;
/** How long to wait for the end of a dead worker's channel at most, in ms. */
const CHANNEL_TIMEOUT = 1_000;

/** The fields that are used of node:cluster's own message by which it sends a connection to a worker. */
interface Handoff {
  readonly cmd: 'NODE_CLUSTER';
  readonly act: 'newconn';
  readonly seq: number;
  /** The key of the server that the connection is for. */
  readonly key: string;
}

/** A connection that was sent to a worker and is not acknowledged yet. */
interface Connection {
  readonly key: string;
  readonly handle: { close(): void };
  /** The last heartbeat of the worker that was answered before the connection was sent. */
  readonly answered: number;
}

/**
 * Watches the connections that are on their way to a worker. In round robin, the primary accepts each connection, sends
 * it to a worker and waits until the worker acknowledges it. A worker that dies in between never does so: node:cluster
 * keeps waiting, and the client hangs (nodejs/node#3551, #21746). The same happens if a worker has no descriptor for
 * the connection: the worker never learns of it, and node:cluster never sends it another one. The guard records which
 * connections were sent and are not acknowledged. When the worker is gone, or has read a later message, the guard
 * answers "not accepted" in its place, and node:cluster gives the connection to another worker. If there is no other
 * worker, node:cluster forgets the connection, and the guard closes it: otherwise its client would wait for ever.
 *
 * The messages are private to Node (seen the same in 20 and 24): anything that does not look like them passes
 * unchanged. If Node changes them, there is no guard, and everything else works as before.
 */
export class HandoffGuard {
  private readonly hands = new Map<Worker, ReadonlyMap<number, Connection>>();
  /** Connections that were not accepted and have not been sent to another worker yet. */
  private readonly refused = new Set<Connection>();

  /**
   * Watches the connections that are sent to the worker from now on. `answered` returns its last heartbeat that was
   * answered.
   */
  watch(worker: Worker, answered: () => number): void {
    const { process: child } = worker;
    const hand = new Map<number, Connection>();
    this.hands.set(worker, hand);
    const send = child.send.bind(child) as (...args: unknown[]) => boolean;
    child.send = (message: unknown, ...rest: unknown[]): boolean => {
      if (isHandoff(message)) {
        const handle = rest[0] as Connection['handle'];
        hand.set(message.seq, { key: message.key, handle, answered: answered() });
      }
      return send(message, ...rest);
    };
    child.on('internalMessage', (message: { ack?: unknown; accepted?: unknown }) => {
      const connection = hand.get(message?.ack as number);
      if (!connection) return;
      hand.delete(message.ack as number);
      if (message.accepted === false) this.refused.add(connection);
      // node:cluster handles the same message and may send a waiting connection. letGo() runs after that.
      if (this.refused.size > 0) setImmediate(() => this.letGo());
    });
    let heardDisconnect = false;
    child.once('disconnect', () => (heardDisconnect = true));
    child.once('exit', () => {
      void channelClosed(child).then(() => {
        // While a handoff is open, Node never emits 'disconnect', and node:cluster would keep the dead worker in its
        // queues.
        if (!heardDisconnect) child.emit('disconnect');
        refuse(worker, hand.keys());
        this.hands.delete(worker);
      });
    });
  }

  /**
   * The worker has read the answer to the heartbeat `answered`. Connections that were sent before that answer and are
   * not acknowledged never arrived.
   */
  read(worker: Worker, answered: number): void {
    const hand = [...(this.hands.get(worker) ?? [])];
    refuse(
      worker,
      hand.filter(([, connection]) => connection.answered < answered).map(([seq]) => seq),
    );
  }

  /**
   * Resolves when every connection is acknowledged. Then node:cluster holds none back either, because every worker
   * would have been sent one of them. Resolves after `timeout` ms at the latest, because a blocked worker acknowledges
   * nothing.
   */
  async emptied(timeout: number): Promise<void> {
    // After this delay, a connection that was just accepted has been sent to a worker.
    await sleep(systemClock, CHANNEL_DELAY);
    await until(() => [...this.hands.values()].every((hand) => hand.size === 0), systemClock, timeout);
  }

  /**
   * Closes the refused connections that no worker will get. If another worker still listens, it is either free and has
   * been sent the connection by now, or it still has to acknowledge another one and gets this one afterwards.
   */
  private letGo(): void {
    const inHand = [...this.hands.values()].flatMap((hand) => [...hand.values()]);
    const handles = new Set(inHand.map(({ handle }) => handle));
    const keys = new Set(inHand.map(({ key }) => key));
    for (const connection of this.refused) {
      const { handle, key } = connection;
      if (!handles.has(handle) && keys.has(key)) continue;
      this.refused.delete(connection);
      if (!handles.has(handle)) handle.close();
    }
  }
}

/** Answers "not accepted" in the worker's place. */
function refuse({ process: child }: Worker, seqs: Iterable<number>): void {
  for (const seq of seqs) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false });
}

/** Resolves when everything that the dead process wrote to its channel was read and the channel has ended. */
export async function channelClosed(child: { readonly connected: boolean }): Promise<void> {
  await sleep(systemClock, CHANNEL_DELAY);
  await until(() => !child.connected, systemClock, CHANNEL_TIMEOUT);
}

function isHandoff(message: unknown): message is Handoff {
  const { cmd, act, seq } = (message ?? {}) as Partial<Record<keyof Handoff, unknown>>;
  return cmd === 'NODE_CLUSTER' && act === 'newconn' && typeof seq === 'number';
}
