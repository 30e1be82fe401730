import type { Worker } from 'node:cluster';
import { sleep, systemClock, until } from '../../platform/clock.js';

/** What a channel holds is read within this time, in ms; a dead worker's end of it is waited for so long at most. */
const CHANNEL_DELAY = 5;
const CHANNEL_TIMEOUT = 1_000;

/** node:cluster's own message that hands a connection to a worker, as far as it is looked at. */
interface Handoff {
  readonly cmd: 'NODE_CLUSTER';
  readonly act: 'newconn';
  readonly seq: number;
  /** Of the server that the connection is for. */
  readonly key: string;
}

/** A connection in the primary's hand. */
interface Connection {
  readonly key: string;
  readonly handle: { close(): void };
  /** The last heartbeat of the worker's that was answered before it was handed over. */
  readonly answered: number;
}

/**
 * Knows the connections that are in the primary's hand. In round robin the primary accepts each connection,
 * hands it to a worker and waits for the worker's word that it took it. A worker that dies in between never
 * answers, node:cluster keeps waiting, and the client hangs (nodejs/node#3551, #21746). Nor does one that has no
 * descriptor for the connection: it never hears of it, and gets no other one ever again. The guard notes
 * what was handed over and not yet acknowledged; when the worker is gone, or has read what came later, it answers "not
 * accepted" in its place, upon which node:cluster gives the connection to another worker. Where there is no other, node:cluster
 * forgets it; the guard closes it, for its client would wait for ever.
 *
 * The messages are private to Node (seen the same in 20 and 24): anything that does not look like them
 * passes untouched, and then there is no guard and nothing else changes.
 */
export class HandoffGuard {
  private readonly hands = new Map<Worker, ReadonlyMap<number, Connection>>();
  /** Not accepted, and not handed to anybody else so far. */
  private readonly refused = new Set<Connection>();

  /** Looks after what is handed to the worker from now on; `answered`: the last heartbeat of its that was answered. */
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
      // node:cluster hands off what waits when it hears the same message.
      if (this.refused.size > 0) setImmediate(() => this.letGo());
    });
    let heardDisconnect = false;
    child.once('disconnect', () => (heardDisconnect = true));
    child.once('exit', () => {
      void channelClosed(child).then(() => {
        // With a hand-off open Node never says so, and node:cluster would keep the dead worker in its queues.
        if (!heardDisconnect) child.emit('disconnect');
        refuse(worker, hand.keys());
        this.hands.delete(worker);
      });
    });
  }

  /** The worker has read the answer to that heartbeat: what it was handed before, and did not take, never arrived. */
  read(worker: Worker, answered: number): void {
    const hand = [...(this.hands.get(worker) ?? [])];
    refuse(
      worker,
      hand.filter(([, connection]) => connection.answered < answered).map(([seq]) => seq),
    );
  }

  /**
   * Resolves when no connection is in the primary's hand any more: none waits for a worker, since then every
   * worker would have one to acknowledge. At the latest after `timeout` ms: a blocked worker acknowledges nothing.
   */
  async emptied(timeout: number): Promise<void> {
    // What is on its way is in a hand after that.
    await sleep(systemClock, CHANNEL_DELAY);
    await until(() => [...this.hands.values()].every((hand) => hand.size === 0), systemClock, timeout);
  }

  /**
   * Closes the refused connections that nobody will get. Where a worker listens on, it is either free, and has
   * the connection by now, or it has another one to acknowledge and gets it then.
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

/** Answers in the worker's place. */
function refuse({ process: child }: Worker, seqs: Iterable<number>): void {
  for (const seq of seqs) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false });
}

/** Resolves when what the dead process wrote to its channel was read, and the channel's end with it. */
export async function channelClosed(child: { readonly connected: boolean }): Promise<void> {
  await sleep(systemClock, CHANNEL_DELAY);
  await until(() => !child.connected, systemClock, CHANNEL_TIMEOUT);
}

function isHandoff(message: unknown): message is Handoff {
  const { cmd, act, seq } = (message ?? {}) as Partial<Record<keyof Handoff, unknown>>;
  return cmd === 'NODE_CLUSTER' && act === 'newconn' && typeof seq === 'number';
}
