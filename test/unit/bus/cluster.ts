import { setImmediate } from 'node:timers';
import type {
  Answer,
  Bus,
  BusReceiver,
  Cancellable,
  Claim,
  Member,
  Outcome,
  Publication,
  Request,
  Task,
  TaskRequest,
  Waiter,
} from '../../../lib/bus/bus.interface.js';
import type { Encoded } from '../../../lib/codec/codec.js';
import { ByteRange } from '../../../lib/codec/byte-range.js';
import type { Frame } from '../../../lib/local-bus/wire/frame.js';
import { Hub } from '../../../lib/local-bus/hub/hub.js';
import type { Link, LinkListener } from '../../../lib/local-bus/wire/link.js';
import { LocalBus } from '../../../lib/local-bus/local-bus.js';
import { memoryLinkPair } from '../../../lib/local-bus/wire/memory-link.js';

export const QUEUE_LIMIT = 100_000;
export const MAX_PAYLOAD = 50_000;
export const NO_PAYLOAD = new Uint8Array(0);
export const bytes = (text: string): Buffer => Buffer.from(text);
/** What a frame or a payload says, as a view of its bytes. */
export const viewOf = (part: Encoded): Buffer =>
  part instanceof ByteRange
    ? part.bytes.subarray(part.start, part.end)
    : Buffer.from(part.buffer, part.byteOffset, part.length);
/** The stream of these frames. */
export const streamOf = (frames: readonly Encoded[]): Buffer => Buffer.concat(frames.map(viewOf));
export const text = (payload: Encoded): string => viewOf(payload).toString();

/** Lets every memory link deliver what is under way: each hop takes one turn of the loop. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a call is answered with; `cancellable` is the way to cancel it. */
export function answer<Result>(call: (waiter: Waiter<Result>) => void, cancellable: Cancellable = {}): Promise<Result> {
  return new Promise((resolve, reject) => call(Object.assign(cancellable, { resolve, reject })));
}

/** A member that remembers what it received. */
export class Peer implements BusReceiver {
  readonly publications: string[] = [];
  readonly requests: Request[] = [];
  readonly tasks: Task[] = [];
  readonly abandoned: number[] = [];
  readonly memberships: (readonly Member[])[] = [];
  readonly closed: string[] = [];
  onPublishing: (publication: Publication) => void = () => undefined;
  /** What it does with requests and tasks; by default it lets them wait. */
  onRequesting: (request: Request) => void = () => undefined;
  onTasking: (task: Task) => void = () => undefined;

  constructor(
    readonly bus: Bus,
    readonly link: Link = new StubLink(),
  ) {}

  get id(): number {
    return this.bus.self.id;
  }

  onPublish(publication: Publication): void {
    this.publications.push(`${publication.from}:${publication.event}:${text(publication.payload)}`);
    this.onPublishing(publication);
  }
  onRequest(request: Request): void {
    this.requests.push(request);
    this.onRequesting(request);
  }
  onTask(task: Task): void {
    this.tasks.push(task);
    this.onTasking(task);
  }
  onAbandoned(task: number): void {
    this.abandoned.push(task);
  }
  onMembers(members: readonly Member[]): void {
    this.memberships.push(members);
  }
  onClosed(reason: string): void {
    this.closed.push(reason);
  }

  publish(event: string, payload = ''): Promise<void> {
    return this.bus.publish(event, bytes(payload));
  }

  request(to: Peer | number, event: string, payload = ''): Promise<Answer> {
    return this.ask(to, event, bytes(payload), Infinity);
  }

  ask(
    to: Peer | number,
    event: string,
    payload: Uint8Array,
    deadline: number,
    cancellable: Cancellable = {},
  ): Promise<Answer> {
    const id = typeof to === 'number' ? to : to.id;
    return answer((waiter) => this.bus.request(id, event, payload, deadline, waiter), cancellable);
  }

  /** The same request to each of them. */
  requestEach(
    to: readonly (Peer | number)[],
    event: string,
    payload = '',
    cancellables: Cancellable[] = [],
  ): Promise<Answer>[] {
    const ids = to.map((one) => (typeof one === 'number' ? one : one.id));
    const waiters: Waiter<Answer>[] = [];
    const answers = to.map((_, i) => answer<Answer>((waiter) => waiters.push(waiter), cancellables[i]));
    this.bus.requestEach(ids, event, bytes(payload), Infinity, waiters);
    return answers;
  }

  claim(key: string, ttl = Infinity, cancellable: Cancellable = {}): Promise<Claim> {
    return answer((waiter) => this.bus.claim(key, ttl, waiter), cancellable);
  }

  enqueue(event: string, options: Partial<TaskRequest> = {}, cancellable: Cancellable = {}): Promise<Answer> {
    const task = { event, payload: NO_PAYLOAD, deadline: Infinity, redeliveries: 2, attempts: 1, ...options };
    return answer((waiter) => this.bus.enqueue(task, waiter), cancellable);
  }

  /** Ends the task it got last, or the given one. */
  settle(outcome: Outcome = 'ok', result = '', task: Task = this.tasks.at(-1)!): void {
    this.bus.settle(task, outcome, bytes(result));
  }

  /** Runs every task at once with this outcome. */
  runsEverything(outcome: Outcome = 'ok'): this {
    this.onTasking = (task) => this.settle(outcome, `by ${this.bus.self.address}`, task);
    return this;
  }

  /** Dies: what it sent is still read. */
  die(): void {
    this.link.close();
  }
}

/** A hub with its members in one process and a clock that stands still. */
export class TestCluster {
  now = 1_000_000;
  readonly warnings: string[] = [];
  readonly hub: Hub;
  private lastId = 0;

  constructor(queueLimit = QUEUE_LIMIT) {
    this.hub = new Hub({ queueLimit, now: () => this.now, warn: (message) => this.warnings.push(message) });
  }

  /** A worker that is attached and open, not yet ready. */
  async boot(slot: number, generation = 0): Promise<Peer> {
    const [hubEnd, busEnd] = memoryLinkPair();
    const id = ++this.lastId;
    this.hub.attach({ id, slot, generation, pid: 1000 + id }, hubEnd);
    return this.open(new LocalBus(busEnd, { id, address: slot, generation }, LIMITS), busEnd);
  }

  /** A ready worker that serves these events, so many tasks of each at a time. */
  async worker(slot: number, serves: string[] = [], concurrency?: number): Promise<Peer> {
    const peer = await this.boot(slot);
    peer.bus.serve(serves.map((event) => ({ event, concurrency })));
    this.hub.ready(peer.id);
    await quiet();
    return peer;
  }

  async workers(count: number, serves: string[] = [], concurrency?: number): Promise<Peer[]> {
    const peers: Peer[] = [];
    for (let slot = 0; slot < count; slot++) peers.push(await this.worker(slot, serves, concurrency));
    return peers;
  }

  async primary(): Promise<Peer> {
    const [hubEnd, busEnd] = memoryLinkPair();
    this.hub.attachPrimary(hubEnd);
    return this.open(new LocalBus(busEnd, { id: 0, address: 'primary', generation: 0 }, LIMITS), busEnd);
  }

  /** A ready worker of which the test holds the hub's end of the link. */
  stub(slot: number): StubLink & { id: number } {
    const id = ++this.lastId;
    const link = Object.assign(new StubLink(), { id });
    this.hub.attach({ id, slot, generation: 0, pid: 1000 + id }, link);
    this.hub.ready(id);
    return link;
  }

  private async open(bus: LocalBus, link: Link): Promise<Peer> {
    const peer = new Peer(bus, link);
    await bus.open(peer);
    return peer;
  }
}

const LIMITS = { maxPayload: MAX_PAYLOAD, queueLimit: QUEUE_LIMIT };

/** A link whose other side takes only what the test says. */
export class StubLink implements Link {
  readonly sent: Frame[] = [];
  /** Set it, then `drain()`. */
  queued = 0;
  /** Whether frames stay queued. */
  stalled = false;
  aborted: string | undefined;
  private listener!: LinkListener;

  attach(listener: LinkListener): void {
    this.listener = listener;
  }
  send(frame: Frame): void {
    this.sent.push(frame);
    if (this.stalled) this.queued += frame.length;
  }
  drain(to = 0): void {
    this.queued = to;
    this.listener.onDrain();
  }
  receive(frame: Frame): void {
    this.listener.onFrame(frame);
  }
  flush(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {
    this.abort('closed');
  }
  abort(reason: string): void {
    if (this.aborted !== undefined) return;
    this.aborted = reason;
    this.listener.onClose(reason);
  }
}
