import { Hub } from '../../../lib/local-bus/hub/hub.js';
import { LocalBus } from '../../../lib/local-bus/local-bus.js';
import { memoryLinkPair } from '../../../lib/local-bus/wire/memory-link.js';
import { HandlerRegistry } from '../../../lib/handlers/handler-registry.js';
import { BusConnection } from '../../../lib/messenger/bus-connection.js';
import { Dispatcher } from '../../../lib/messenger/dispatcher.js';
import { type MessengerSettings, MessengerService } from '../../../lib/services/messenger.service.js';
import { hostTime } from '../../../lib/platform/clock.js';

const LIMITS = { maxPayload: 64 * 1024, queueLimit: 1024 * 1024 };

/** One member of the cluster with everything that a process would have. */
export interface Peer {
  readonly id: number;
  readonly connection: BusConnection;
  readonly messenger: MessengerService;
  readonly registry: HandlerRegistry;
  readonly dispatcher: Dispatcher;
}

/** A primary and workers in one process: real hub, real buses, memory for sockets. */
export class InProcessCluster {
  /** The hub's clock, in ms. */
  now = hostTime();
  readonly hub = new Hub({ queueLimit: LIMITS.queueLimit, warn: () => undefined, now: () => this.now });
  primary!: Peer;
  private readonly peers: Peer[] = [];
  private nextId = 1;

  constructor(private readonly settings: Partial<MessengerSettings> = {}) {}

  /** A cluster whose `workers` are ready; `prepare` adds their handlers. */
  static async of(workers: number, prepare: (peer: Peer, slot: number) => void = () => undefined) {
    const cluster = new InProcessCluster();
    cluster.primary = cluster.peer(0, 'primary');
    await cluster.primary.connection.open();
    const ready = Array.from({ length: workers }, (_, slot) => cluster.start(slot, (peer) => prepare(peer, slot)));
    return { cluster, workers: await Promise.all(ready) };
  }

  /** Starts a worker in `slot` and waits until all know it as ready. */
  async start(slot: number, prepare: (peer: Peer) => void = () => undefined): Promise<Peer> {
    const peer = await this.boot(slot, prepare);
    this.hub.ready(peer.id);
    await this.known((ids) => ids.includes(peer.id));
    return peer;
  }

  /** Starts a worker that is connected and not ready. */
  async boot(slot: number, prepare: (peer: Peer) => void = () => undefined): Promise<Peer> {
    const peer = this.peer(this.nextId++, slot);
    prepare(peer);
    await peer.connection.open();
    return peer;
  }

  /** The worker's process is gone. */
  kill(peer: Peer): void {
    this.peers.splice(this.peers.indexOf(peer), 1);
    this.hub.detach(peer.id);
  }

  /** Waits until every member's view of the membership satisfies `expected`. */
  async known(expected: (ids: number[]) => boolean): Promise<void> {
    await Promise.all(
      this.peers.map(
        ({ dispatcher }) =>
          new Promise<void>((resolve) => {
            const subscription = dispatcher.members$.subscribe((members) => {
              if (!expected(members.map(({ id }) => id))) return;
              resolve();
              queueMicrotask(() => subscription.unsubscribe());
            });
          }),
      ),
    );
  }

  private peer(id: number, address: number | 'primary'): Peer {
    const [hubEnd, busEnd] = memoryLinkPair();
    if (address === 'primary') this.hub.attachPrimary(hubEnd);
    else this.hub.attach({ id, slot: address, generation: 1, pid: 1000 + id }, hubEnd);
    const bus = new LocalBus(busEnd, { id, address, generation: 1 }, LIMITS);
    const registry = new HandlerRegistry();
    const settings = { timeout: 5_000, stacks: true, maxPayload: LIMITS.maxPayload, ...this.settings };
    const dispatcher = new Dispatcher(bus, registry, settings);
    const connection = new BusConnection(bus, registry, dispatcher);
    const messenger = new MessengerService(connection, settings);
    const peer = { id, connection, messenger, registry, dispatcher };
    this.peers.push(peer);
    return peer;
  }
}

/** A promise and its ends. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}
