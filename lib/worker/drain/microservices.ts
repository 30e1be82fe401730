import type { Logger } from '@nestjs/common';
import { ModulesContainer, NestApplication } from '@nestjs/core';
import { messageOf } from '../../errors/read-error.js';
import { type Clock, sleep, until } from '../../platform/clock.js';
import { Flights } from './flights.js';
import { type ConnectionHandle, isTcpServer, type LeavingTerms, MessageConnections } from './message-connections.js';
import { MicroserviceOpening, type OpeningServer } from './microservice-opening.js';
import { type SubscribingServer, subscriptionsOf } from './subscriptions.js';
import { type HandlingServer, watchHandlers } from './watched-handlers.js';

/** Nest's Transport.GRPC: its calls are streams of an HTTP/2 server, which are counted there. */
const GRPC = 4;

/** How long a broker has to answer when subscriptions are cancelled or replies flushed, in ms. */
const BROKER_TIMEOUT = 1_000;

/** The members that Nest uses of a microservice server; custom strategies have them, too. */
type MicroserviceServer = HandlingServer & SubscribingServer & OpeningServer;

/** How messages should be given up. */
export interface MessageTerms extends Omit<LeavingTerms, 'clock'> {
  /** After this time (ms), a strategy that cannot stop taking messages is closed, even with messages in flight. */
  readonly patience: number;
}

/**
 * Knows every microservice server of this process, on any transport, and its messages in flight. Nest adds each server
 * to `ModulesContainer` before the server gets its handlers. Nest before 11.1 does not; there, a server is found when a
 * hybrid application connects it, or when a microservice has bootstrapped.
 */
export class Microservices {
  private readonly openings = new Map<object, MicroserviceOpening>();
  /** The servers whose messages are counted here. */
  private readonly servers: WatchedMicroservice[] = [];

  /** @param changed called when a server is asked to listen, when it listens, and when it has failed to */
  constructor(
    private readonly clock: Clock,
    private readonly logger: Pick<Logger, 'warn'>,
    private readonly changed: () => void,
  ) {}

  /** Watches every server from now on. */
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

  /** An application is about to listen. The microservice of an older Nest is first seen here. */
  bootstrapped(app: object): void {
    this.watch((app as { serverInstance?: unknown }).serverInstance);
  }

  /** Messages that were taken and are not answered yet; an event counts until its handlers are done. */
  get inFlight(): number {
    let total = 0;
    for (const { flights } of this.servers) total += flights.count;
    return total;
  }

  /**
   * How many servers were asked to listen and have neither succeeded nor failed yet. A server has not succeeded before
   * its broker, if there is one, knows its subscriptions.
   */
  get awaiting(): number {
    return this.in('awaited').length;
  }

  /** Whether a server is open. */
  get isOpen(): boolean {
    return this.in('open').length > 0;
  }

  /** Whether a server failed to listen, and none is open. */
  get isRefused(): boolean {
    return this.in('refused').length > 0 && !this.isOpen;
  }

  /**
   * Takes no new messages. Resolves when those in flight are answered, and the broker or the client has the answers.
   */
  async leave(terms: MessageTerms): Promise<void> {
    const left = await Promise.allSettled(this.servers.map((server) => server.leave(terms)));
    for (const each of left) {
      if (each.status === 'rejected')
        this.logger.warn(`A microservice was left with messages in flight: ${each.reason}`);
    }
  }

  /** Takes a connection that another worker had, for the server of that name; false if no such server listens. */
  take(name: string, connection: ConnectionHandle): boolean {
    return this.servers.some((server) => server.take(name, connection));
  }

  private in(state: MicroserviceOpening['state']): MicroserviceOpening[] {
    return [...this.openings.values()].filter((opening) => opening.state === state);
  }

  private watch(candidate: unknown): void {
    if (typeof candidate !== 'object' || candidate === null || this.openings.has(candidate)) return;
    const server = candidate as MicroserviceServer;
    const broker = new Broker(server, this.clock, this.logger);
    const opening = new MicroserviceOpening(server, this.clock, () => broker.confirm(), this.changed);
    this.openings.set(server, opening);
    if (server.transportId !== GRPC) this.servers.push(new WatchedMicroservice(server, opening, broker, this.clock));
  }
}

/** The broker of a microservice server, if there is one. */
class Broker {
  constructor(
    private readonly server: MicroserviceServer,
    private readonly clock: Clock,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** Resolves when the broker knows the subscriptions. */
  confirm(): Promise<void> {
    return this.ask('was told of the subscriptions', subscriptionsOf(this.server)?.confirm);
  }

  /** Resolves when the broker has done that, or after BROKER_TIMEOUT. */
  async ask(what: string, action: (() => Promise<unknown>) | undefined): Promise<void> {
    if (!action) return;
    let late = false;
    const failed = (error: unknown): void => {
      if (late) return;
      const { name } = this.server.constructor;
      this.logger.warn(`The broker of ${name}: not known whether it ${what}: ${messageOf(error)}`);
    };
    const timeout = sleep(this.clock, BROKER_TIMEOUT).then(() => (late = true));
    await Promise.race([action().catch(failed), timeout]);
  }
}

class WatchedMicroservice {
  readonly flights = new Flights();
  private readonly connections: MessageConnections | undefined;

  constructor(
    private readonly server: MicroserviceServer,
    private readonly opening: MicroserviceOpening,
    private readonly broker: Broker,
    private readonly clock: Clock,
  ) {
    const isOfNest = typeof server.transportId === 'number';
    if (isTcpServer(server)) this.connections = new MessageConnections(server, this.flights);
    watchHandlers(server, this.flights, isOfNest, ([first]) => this.connections?.flightsOf(first) ?? this.flights);
  }

  async leave(terms: MessageTerms): Promise<void> {
    if (!this.opening.isTaking) return;
    const { deadline, patience } = terms;
    const { server, connections } = this;
    const subscriptions = subscriptionsOf(server);
    if (connections) await connections.leave({ ...terms, clock: this.clock });
    else if (subscriptions) await this.broker.ask('was told to send no more', subscriptions.cancel);
    const isStopped = connections !== undefined || subscriptions !== undefined;
    await this.landed(deadline, isStopped ? Infinity : patience);
    if (!isStopped) await this.closeForGood();
    await this.landed(deadline, Infinity);
    await this.broker.ask('was given the last replies', subscriptions?.flush);
  }

  /** Takes a connection that another worker had; false if this server does not listen there. */
  take(server: string, connection: ConnectionHandle): boolean {
    return this.opening.isTaking && (this.connections?.take(server, connection) ?? false);
  }

  /**
   * Resolves when nothing is in flight and nothing new begins in a whole turn of the event loop, or when the time is
   * over.
   */
  private async landed(deadline: AbortSignal, timeout: number): Promise<void> {
    const { clock } = this;
    const end = clock.now() + timeout;
    while (!deadline.aborted && clock.now() < end) {
      await until(() => this.flights.count === 0 || deadline.aborted, clock, end - clock.now());
      await new Promise((resolve) => setImmediate(resolve));
      if (this.flights.count === 0) return;
    }
  }

  /**
   * Closes a strategy that is not known here: close() is the only way to stop its messages. Nest calls it once more.
   */
  private async closeForGood(): Promise<void> {
    const { server } = this;
    const closed = (async () => server.close())();
    server.close = () => closed;
    await closed.catch(() => {}); // Nest hears of it by its own call.
  }
}
