import type { Engine, EngineListener, LeasedTask, QueueWorker, Store, StoredRecord } from '../bus/engine.interface.js';
import { NotConnectedError } from '../errors/errors.js';
import { type Clock, systemClock, type Timer } from '../platform/clock.js';

/** How long duplicate ids are refused, in ms. */
const DUPLICATE_WINDOW = 120_000;

interface QueuedTask {
  readonly id: string;
  readonly message: Uint8Array;
  attempt: number;
  isOut: boolean;
  timer: Timer | undefined;
}

interface Consumer {
  credits: number;
  readonly lease: number;
  readonly receive: (task: LeasedTask) => void;
  /** Whether its engine is connected to the broker. */
  readonly isConnected: () => boolean;
}

class Queue {
  readonly tasks = new Map<string, QueuedTask>();
  readonly known = new Map<string, number>();
  readonly workers = new Set<Consumer>();
}

/**
 * A broker within one process, for tests. It does what the contract of an engine asks for and nothing else, and so is a
 * model for your own engine. It can go down, and then loses no task and no record.
 *
 * @publicApi
 */
export class MemoryBroker {
  readonly subscribers = new Map<string, Set<(message: Uint8Array) => void>>();
  readonly queues = new Map<string, Queue>();
  readonly stores = new Map<string, MemoryStore>();
  readonly engines = new Set<MemoryEngine>();
  private up = true;

  constructor(readonly clock: Clock = systemClock) {}

  get isUp(): boolean {
    return this.up;
  }

  stop(): void {
    this.up = false;
    for (const engine of this.engines) engine.listener?.onDisconnected('the broker was stopped');
  }

  start(): void {
    this.up = true;
    for (const engine of this.engines) engine.listener?.onConnected();
    for (const queue of this.queues.values()) this.handOut(queue);
  }

  queue(name: string): Queue {
    let queue = this.queues.get(name);
    if (queue === undefined) this.queues.set(name, (queue = new Queue()));
    return queue;
  }

  handOut(queue: Queue): void {
    for (const task of queue.tasks.values()) {
      if (!this.up || task.isOut) continue;
      const consumer = [...queue.workers].find(({ credits }) => credits > 0);
      if (consumer === undefined) return;
      // The next worker gets the next task.
      queue.workers.delete(consumer);
      queue.workers.add(consumer);
      consumer.credits -= 1;
      task.isOut = true;
      task.attempt += 1;
      this.lease(queue, task, consumer.lease);
      const leased = new MemoryTask(this, queue, task, consumer);
      setImmediate(() => consumer.receive(leased));
    }
  }

  lease(queue: Queue, task: QueuedTask, duration: number): void {
    task.timer?.cancel();
    task.timer = this.clock.after(duration, () => this.giveBack(queue, task), false);
  }

  giveBack(queue: Queue, task: QueuedTask): void {
    task.timer?.cancel();
    task.isOut = false;
    this.handOut(queue);
  }
}

class MemoryTask implements LeasedTask {
  readonly id: string;
  readonly message: Uint8Array;
  readonly attempt: number;

  constructor(
    private readonly broker: MemoryBroker,
    private readonly queue: Queue,
    private readonly task: QueuedTask,
    private readonly consumer: Consumer,
  ) {
    this.id = task.id;
    this.message = task.message;
    this.attempt = task.attempt;
  }

  extend(): void {
    if (this.task.isOut && this.consumer.isConnected()) this.broker.lease(this.queue, this.task, this.consumer.lease);
  }

  async acknowledge(): Promise<void> {
    if (!this.consumer.isConnected()) throw notConnected();
    this.task.timer?.cancel();
    this.queue.tasks.delete(this.id);
  }

  release(): void {
    if (this.consumer.isConnected()) this.broker.giveBack(this.queue, this.task);
  }
}

class MemoryStore implements Store {
  private readonly records = new Map<string, StoredRecord & { readonly until: number }>();
  private version = 0;

  constructor(
    private readonly broker: MemoryBroker,
    private readonly ttl: number,
  ) {}

  async get(key: string): Promise<StoredRecord | undefined> {
    return this.find(key);
  }

  async put(key: string, value: Uint8Array, expected: number | undefined): Promise<number | undefined> {
    if (this.find(key)?.version !== expected) return undefined;
    this.version += 1;
    this.records.set(key, {
      value: Uint8Array.from(value),
      version: this.version,
      until: this.broker.clock.now() + this.ttl,
    });
    return this.version;
  }

  async remove(key: string, expected: number): Promise<void> {
    if (this.find(key)?.version === expected) this.records.delete(key);
  }

  async keys(): Promise<string[]> {
    return [...this.records].filter(([, { until }]) => until > this.broker.clock.now()).map(([key]) => key);
  }

  private find(key: string): StoredRecord | undefined {
    const record = this.records.get(key);
    return record !== undefined && record.until > this.broker.clock.now() ? record : undefined;
  }
}

/** The view of a store that one engine has; it works while the engine is connected. */
class Access implements Store {
  constructor(
    private readonly store: Store,
    private readonly isConnected: () => boolean,
  ) {}

  async get(key: string): Promise<StoredRecord | undefined> {
    return this.connected().get(key);
  }

  async put(key: string, value: Uint8Array, expected: number | undefined): Promise<number | undefined> {
    return this.connected().put(key, value, expected);
  }

  async remove(key: string, expected: number): Promise<void> {
    return this.connected().remove(key, expected);
  }

  async keys(): Promise<string[]> {
    return this.connected().keys();
  }

  private connected(): Store {
    if (!this.isConnected()) throw notConnected();
    return this.store;
  }
}

/** Creates an engine on a broker in this process. Engines with the same namespace reach each other. @publicApi */
export class MemoryEngine implements Engine {
  readonly name = 'memory';
  readonly maxMessage = Infinity;
  listener: EngineListener | undefined;
  private readonly ended: (() => void)[] = [];

  constructor(
    private readonly broker: MemoryBroker,
    private readonly namespace = 'default',
  ) {}

  get isConnected(): boolean {
    return this.listener !== undefined && this.broker.isUp;
  }

  async connect(listener: EngineListener): Promise<void> {
    this.listener = listener;
    this.broker.engines.add(this);
    if (this.broker.isUp) listener.onConnected();
  }

  publish(subject: string, message: Uint8Array): void {
    if (!this.isConnected) throw notConnected();
    const copy = Uint8Array.from(message);
    setImmediate(() => {
      for (const receive of this.broker.subscribers.get(this.own(subject)) ?? []) receive(copy);
    });
  }

  async flush(): Promise<void> {
    if (!this.isConnected) throw notConnected();
    await new Promise((resolve) => setImmediate(resolve));
  }

  subscribe(subject: string, receive: (message: Uint8Array) => void): () => void {
    const name = this.own(subject);
    const receivers = this.broker.subscribers.get(name) ?? new Set();
    this.broker.subscribers.set(name, receivers);
    const own = (message: Uint8Array) => receive(message);
    receivers.add(own);
    const end = () => void receivers.delete(own);
    this.ended.push(end);
    return end;
  }

  store(name: string, ttl: number): Store {
    const { stores } = this.broker;
    let store = stores.get(this.own(name));
    if (store === undefined) stores.set(this.own(name), (store = new MemoryStore(this.broker, ttl)));
    return new Access(store, () => this.isConnected);
  }

  async enqueue(queue: string, id: string, message: Uint8Array): Promise<boolean> {
    if (!this.isConnected) throw notConnected();
    const target = this.broker.queue(this.own(queue));
    const now = this.broker.clock.now();
    const isKnown = (target.known.get(id) ?? -Infinity) > now - DUPLICATE_WINDOW;
    if (isKnown || target.tasks.has(id)) return false;
    target.known.set(id, now);
    const copy = Uint8Array.from(message);
    target.tasks.set(id, { id, message: copy, attempt: 0, isOut: false, timer: undefined });
    this.broker.handOut(target);
    return true;
  }

  async withdraw(queue: string, id: string): Promise<void> {
    if (!this.isConnected) throw notConnected();
    const { tasks } = this.broker.queue(this.own(queue));
    tasks.get(id)?.timer?.cancel();
    tasks.delete(id);
  }

  work(queue: string, lease: number, receive: (task: LeasedTask) => void): QueueWorker {
    const target = this.broker.queue(this.own(queue));
    const consumer: Consumer = { credits: 0, lease, receive, isConnected: () => this.isConnected };
    target.workers.add(consumer);
    const stop = () => void target.workers.delete(consumer);
    this.ended.push(stop);
    const grant = (tasks: number) => {
      consumer.credits += tasks;
      this.broker.handOut(target);
    };
    return { grant, stop };
  }

  async close(): Promise<void> {
    for (const end of this.ended.splice(0)) end();
    this.broker.engines.delete(this);
    this.listener = undefined;
  }

  private own(name: string): string {
    return `${this.namespace}/${name}`;
  }
}

function notConnected(): NotConnectedError {
  return new NotConnectedError('The memory broker is stopped. Start it again.');
}
