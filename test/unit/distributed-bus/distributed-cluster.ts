import type { Bus } from '../../../lib/bus/bus.interface.js';
import { type Contact, DistributedBus } from '../../../lib/distributed-bus/distributed-bus.js';
import type { EngineListener, LeasedTask, QueueWorker } from '../../../lib/bus/engine.interface.js';
import { Hub } from '../../../lib/local-bus/hub/hub.js';
import { LocalBus } from '../../../lib/local-bus/local-bus.js';
import { memoryLinkPair } from '../../../lib/local-bus/wire/memory-link.js';
import { MemoryBroker, MemoryEngine } from '../../../lib/testing/index.js';
import { pack, WIRE_VERSION } from '../../../lib/distributed-bus/envelope.js';
import { sleep } from '../../../lib/platform/clock.js';
import { MAX_PAYLOAD, Peer, QUEUE_LIMIT } from '../bus/cluster.js';
import type { Bench } from '../bus/conformance.js';
import { ManualClock } from '../manual-clock.js';

/** How long a member that runs something may be silent, in ms. */
export const LEASE = 2_000;

/** A try to connect that comes to no end. */
export const NO_ANSWER = new Error('no answer');

/** One whose own way to the broker can be cut. */
class CuttableEngine extends MemoryEngine {
  private isCut = false;

  constructor(
    private readonly way: MemoryBroker,
    /** What the first tries to connect end with. */
    private readonly refusals: Error[],
    readonly longestSilence?: number,
    /** Of the messages that its member speaks. */
    private readonly version = WIRE_VERSION,
  ) {
    super(way);
  }

  override publish(subject: string, message: Uint8Array): void {
    super.publish(subject, inVersion(this.version, message));
  }

  override enqueue(queue: string, id: string, message: Uint8Array): Promise<boolean> {
    return super.enqueue(queue, id, inVersion(this.version, message));
  }

  override work(queue: string, lease: number, receive: (task: LeasedTask) => void): QueueWorker {
    return super.work(queue, lease, (task) => {
      const message = inVersion(this.version, task.message);
      const extend = () => task.extend();
      receive({ ...task, message, extend, acknowledge: () => task.acknowledge(), release: () => task.release() });
    });
  }

  override async connect(listener: EngineListener): Promise<void> {
    const refusal = this.refusals.shift();
    if (refusal === NO_ANSWER) return new Promise(() => {});
    if (refusal !== undefined) {
      await sleep(this.way.clock, 10);
      throw refusal;
    }
    await super.connect(listener);
  }

  override get isConnected(): boolean {
    return !this.isCut && super.isConnected;
  }

  override subscribe(subject: string, receive: (message: Uint8Array) => void): () => void {
    return super.subscribe(subject, (message) => this.isCut || receive(inVersion(this.version, message)));
  }

  cut(broker: MemoryBroker): void {
    this.isCut = true;
    broker.engines.delete(this);
    this.listener?.onDisconnected('it was cut');
  }

  mend(broker: MemoryBroker): void {
    this.isCut = false;
    broker.engines.add(this);
    this.listener?.onConnected();
  }
}

/** The message as one of another version: what is of this version is of the other there, and the reverse. */
function inVersion(version: number, message: Uint8Array): Uint8Array {
  if (version === WIRE_VERSION) return message;
  const start = 4 + Buffer.from(message).readUInt32BE(0);
  const header = JSON.parse(Buffer.from(message.subarray(4, start)).toString()) as { v: number };
  const v = header.v === WIRE_VERSION ? version : WIRE_VERSION;
  return pack({ ...header, v }, message.subarray(start));
}

/** Members of one cluster on a broker in this process, with time of their own. */
export class DistributedCluster implements Bench {
  readonly clock = new ManualClock();
  readonly broker = new MemoryBroker(this.clock);
  readonly warnings: string[] = [];
  private readonly engines = new Map<Peer, CuttableEngine>();
  private readonly hubs = new Map<string, Hub>();
  private lastId = 100;
  /** What the next tries to connect end with. */
  readonly refusals: Error[] = [];
  /** Of the messages that the next members speak. */
  version = WIRE_VERSION;
  /** How the next members start. */
  contact: Contact = { patience: 1_000, endsWithRefusal: true };

  /** @param longestSilence as engines have it */
  constructor(private readonly longestSilence?: number) {}

  /** A worker of host a. */
  worker(slot: number, serves: string[] = []): Promise<Peer> {
    return this.workerOf('a', slot, serves);
  }

  async workerOf(host: string, slot: number, serves: string[] = []): Promise<Peer> {
    const hub = this.hubOf(host);
    const [hubEnd, busEnd] = memoryLinkPair();
    const worker = (this.lastId += 1);
    hub.attach({ id: worker, slot, generation: 1, pid: 1_000 + worker }, hubEnd);
    const local = new LocalBus(busEnd, { id: worker, address: slot, generation: 1 }, LIMITS);
    const identity = { id: worker * 10, primary: primaryOf(host), worker, address: slot, host, generation: 1 };
    const peer = await this.join(local, identity);
    peer.bus.serve(serves.map((event) => ({ event })));
    hub.ready(worker);
    await this.settle();
    return peer;
  }

  async primaryOf(host: string): Promise<Peer> {
    const [hubEnd, busEnd] = memoryLinkPair();
    this.hubOf(host).attachPrimary(hubEnd);
    const local = new LocalBus(busEnd, { id: 0, address: 'primary', generation: 0 }, LIMITS);
    const id = primaryOf(host);
    return this.join(local, { id, primary: id, worker: 0, address: 'primary', host, generation: 0 });
  }

  async die(peer: Peer): Promise<void> {
    await this.engines.get(peer)!.close();
    await this.clock.pass(2_000);
  }

  /** It alone cannot reach the broker. */
  cutOff(peer: Peer): void {
    this.engines.get(peer)!.cut(this.broker);
  }

  reconnect(peer: Peer): void {
    this.engines.get(peer)!.mend(this.broker);
  }

  /** The supervisor of its host says that it leaves. */
  async leave(peer: Peer): Promise<void> {
    this.hubOf('a').leaving(Math.floor(peer.id / 10));
    await this.settle();
  }

  async settle(): Promise<void> {
    await this.clock.pass(100);
  }

  async outlast(): Promise<void> {
    await this.clock.pass(LEASE * 3);
  }

  private async join(local: Bus, identity: ConstructorParameters<typeof DistributedBus>[2]): Promise<Peer> {
    const engine = new CuttableEngine(this.broker, this.refusals, this.longestSilence, this.version);
    const say = (message: string) => void this.warnings.push(message);
    const options = {
      ...LIMITS,
      lease: LEASE,
      contact: this.contact,
      clock: this.clock,
      warn: say,
      log: () => undefined,
    };
    const peer = new Peer(new DistributedBus(engine, local, identity, options));
    this.engines.set(peer, engine);
    const opening = peer.bus.open(peer);
    opening.catch(() => undefined);
    await this.clock.pass(200);
    await opening;
    return peer;
  }

  private hubOf(host: string): Hub {
    let hub = this.hubs.get(host);
    if (hub === undefined) {
      hub = new Hub({ queueLimit: QUEUE_LIMIT, warn: (message) => this.warnings.push(message) });
      hub.expect(4);
      this.hubs.set(host, hub);
    }
    return hub;
  }
}

const LIMITS = { maxPayload: MAX_PAYLOAD, queueLimit: QUEUE_LIMIT };

const primaryOf = (host: string): number => host.charCodeAt(0);
