import type { Logger } from '@nestjs/common';
import { ModulesContainer, NestApplication } from '@nestjs/core';
import { messageOf } from '../../errors/read-error.js';
import { type Clock, elapsed, whenTrue } from '../../platform/clock.js';
import { Flights } from './flights.js';
import { type ConnectionHandle, isTcpServer, type LeavingTerms, MessageConnections } from './message-connections.js';
import { type SubscribingServer, subscriptionsOf } from './subscriptions.js';
import { type HandlingServer, watchHandlers } from './watched-handlers.js';

/** Nest's Transport.GRPC: its calls are streams of an HTTP/2 server, which are counted there. */
const GRPC = 4;

/** How long a broker has to answer when subscriptions are cancelled or replies flushed, in ms. */
const BROKER_TIMEOUT = 1_000;

/** How long a custom strategy may take to say that it listens, in ms; some never do. */
const CUSTOM_LISTEN_TIMEOUT = 5_000;

/** What Nest asks of a microservice server, a custom strategy included. */
type MicroserviceServer = HandlingServer &
  SubscribingServer & {
    transportId?: unknown;
    listen(callback: (...args: unknown[]) => void): unknown;
    close(): unknown;
  };

/** How messages are to be left. */
export interface MessageTerms extends Omit<LeavingTerms, 'clock'> {
  /** A strategy that cannot stop taking messages is closed, with some in flight, after this time (ms). */
  readonly patience: number;
}

/**
 * Knows every microservice server of this process, on whatever transport, and the messages in flight in it. Nest tells
 * `ModulesContainer` of each before it gets its handlers; a Nest that does not (before 11.1) is asked when a hybrid
 * application connects one, and when a microservice was bootstrapped.
 */
export class Microservices {
  private readonly servers = new Map<object, WatchedMicroservice>();

  /** @param changed told when a server is asked to listen, and when it does */
  constructor(
    private readonly clock: Clock,
    private readonly logger: Pick<Logger, 'warn'>,
    private readonly changed: () => void,
  ) {}

  /** Watches from now on. */
  install(): void {
    const watch = (server: unknown): void => this.watch(server);
    const container = ModulesContainer.prototype as { addRpcTarget?(target: unknown): void };
    const { addRpcTarget } = container;
    if (addRpcTarget) {
      container.addRpcTarget = function (target) {
        watch(target);
        addRpcTarget.call(this, target);
      };
      return;
    }
    const hybrid = NestApplication.prototype as unknown as { connectMicroservice(...args: unknown[]): object };
    const { connectMicroservice } = hybrid;
    hybrid.connectMicroservice = function (...args) {
      const microservice = connectMicroservice.apply(this, args);
      watch((microservice as { serverInstance?: unknown }).serverInstance);
      return microservice;
    };
  }

  /** An application is about to listen: of an old Nest's microservice this is the first that is seen. */
  bootstrapped(app: object): void {
    this.watch((app as { serverInstance?: unknown }).serverInstance);
  }

  /** Messages that were taken and are not answered; an event until its handlers are done. */
  get inFlight(): number {
    let total = 0;
    for (const { flights } of this.servers.values()) total += flights.count;
    return total;
  }

  /** How many were asked to listen, and neither do nor were refused yet; a broker has to know of the subscriptions. */
  get awaiting(): number {
    return [...this.servers.values()].filter(({ isAwaited }) => isAwaited).length;
  }

  /** Takes no new messages. Resolves when those in flight are answered, and the answers are with the broker or client. */
  async leave(terms: MessageTerms): Promise<void> {
    const left = await Promise.allSettled([...this.servers.values()].map((server) => server.leave(terms)));
    for (const each of left) {
      if (each.status === 'rejected')
        this.logger.warn(`A microservice was left with messages in flight: ${each.reason}`);
    }
  }

  /** Takes a connection that another worker had, for the server of that name; false where none listens. */
  take(name: string, connection: ConnectionHandle): boolean {
    return [...this.servers.values()].some((server) => server.take(name, connection));
  }

  private watch(server: unknown): void {
    if (typeof server !== 'object' || server === null || this.servers.has(server)) return;
    if ((server as MicroserviceServer).transportId === GRPC) return;
    this.servers.set(
      server,
      new WatchedMicroservice(server as MicroserviceServer, this.clock, this.logger, this.changed),
    );
  }
}

class WatchedMicroservice {
  readonly flights = new Flights();
  private readonly connections: MessageConnections | undefined;
  private readonly isOfNest: boolean;
  isAwaited = false;
  private state: 'idle' | 'listening' | 'closed' = 'idle';

  constructor(
    private readonly server: MicroserviceServer,
    private readonly clock: Clock,
    private readonly logger: Pick<Logger, 'warn'>,
    private readonly changed: () => void,
  ) {
    this.isOfNest = typeof server.transportId === 'number';
    if (isTcpServer(server)) this.connections = new MessageConnections(server, this.flights);
    watchHandlers(server, this.flights, this.isOfNest, ([first]) => this.connections?.flightsOf(first) ?? this.flights);
    this.watchListening();
  }

  async leave(terms: MessageTerms): Promise<void> {
    if (this.state !== 'listening') return;
    const { isHurried, patience } = terms;
    const { server, connections } = this;
    const subscriptions = subscriptionsOf(server);
    if (connections) await connections.leave({ ...terms, clock: this.clock });
    else if (subscriptions) await this.ofBroker('was told to send no more', subscriptions.cancel);
    const isStopped = connections !== undefined || subscriptions !== undefined;
    await this.landed(isHurried, isStopped ? Infinity : patience);
    if (!isStopped) await this.closeForGood();
    await this.landed(isHurried, Infinity);
    await this.ofBroker('was given the last replies', subscriptions?.flush);
  }

  /** Takes a connection that another worker had; false where no server of ours listens there. */
  take(server: string, connection: ConnectionHandle): boolean {
    return this.state === 'listening' && (this.connections?.take(server, connection) ?? false);
  }

  /** Resolves when nothing is in flight and nothing new begins in a whole turn. */
  private async landed(isHurried: () => boolean, timeout: number): Promise<void> {
    const { clock } = this;
    const until = clock.now() + timeout;
    while (!isHurried() && clock.now() < until) {
      await whenTrue(() => this.flights.count === 0 || isHurried(), clock, until - clock.now());
      await new Promise((resolve) => setImmediate(resolve));
      if (this.flights.count === 0) return;
    }
  }

  /** Of a strategy that is not known here: close() is the only way to stop its messages. Nest calls it once more. */
  private async closeForGood(): Promise<void> {
    const { server } = this;
    const closed = (async () => server.close())();
    server.close = () => closed;
    await closed.catch(() => {}); // Nest hears of it by its own call.
  }

  private async ofBroker(what: string, action: (() => Promise<unknown>) | undefined): Promise<void> {
    if (!action) return;
    let late = false;
    const failed = (error: unknown): void => {
      if (!late) this.warn(`not known whether it ${what}: ${messageOf(error)}`);
    };
    const timeout = elapsed(this.clock, BROKER_TIMEOUT).then(() => (late = true));
    await Promise.race([action().catch(failed), timeout]);
  }

  private await(isAwaited: boolean): void {
    this.isAwaited = isAwaited;
    this.changed();
  }

  private warn(message: string): void {
    this.logger.warn(`The broker of ${this.server.constructor.name}: ${message}`);
  }

  private watchListening(): void {
    const { server } = this;
    const { listen, close } = server;
    server.listen = (callback) => {
      this.state = 'listening';
      this.await(true);
      if (!this.isOfNest) this.clock.after(CUSTOM_LISTEN_TIMEOUT, () => this.await(false), false);
      return listen.call(server, (...args: unknown[]) => {
        callback(...args);
        const { confirm } = subscriptionsOf(server) ?? {};
        void this.ofBroker('was told of the subscriptions', confirm).then(() => this.await(false));
      });
    };
    server.close = () => {
      this.state = 'closed';
      return close.call(server);
    };
  }
}
