import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom, NEVER, Observable, of, Subject, toArray } from 'rxjs';
import { Flights } from '../../../../lib/worker/drain/flights.js';
import { type HandlingServer, watchHandlers } from '../../../../lib/worker/drain/watched-handlers.js';

/** A server of Nest's kind without a transport. */
class Strategy extends Server {
  listen(): void {}
  close(): void {}
  on(): void {}
  unwrap<T>(): T {
    return undefined as T;
  }
  handleMessage(pattern: string, respond: (packet: object) => void | Promise<unknown>): unknown {
    const handler = this.getHandlerByPattern(pattern)!;
    return (async () => {
      this.send(this.transformToObservable((await handler('data')) as Observable<unknown>), respond);
    })();
  }
}

function watchedStrategy(): { server: Strategy; flights: Flights } {
  const server = new Strategy();
  const flights = new Flights();
  watchHandlers(server as unknown as HandlingServer, flights, true);
  return { server, flights };
}

/** A promise and its settlers. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((...settlers) => ([resolve, reject] = settlers));
  return { promise, resolve, reject };
}

describe('watchHandlers', () => {
  it('counts a message once, from its handler to the moment its last reply is given to the transport', async () => {
    const { server, flights } = watchedStrategy();
    const [handled, replied] = [deferred<string>(), deferred<void>()];
    server.addHandler('p', () => handled.promise as never);
    const respond = jest.fn(() => replied.promise);
    const message = server.handleMessage('p', respond);
    expect(flights.count).toBe(1);
    handled.resolve('value');
    await message;
    await nextTurn();
    expect(respond).toHaveBeenCalledTimes(1);
    expect(flights.count).toBe(1);
    replied.resolve();
    await nextTurn();
    expect(flights.count).toBe(0);
  });

  it('counts a stream until it ends, and its last value until that is on its way', async () => {
    const { server, flights } = watchedStrategy();
    const stream = new Subject<number>();
    server.addHandler('p', async () => stream);
    const replies: object[] = [];
    await server.handleMessage('p', (packet) => void replies.push(packet));
    stream.next(1);
    await nextTurn();
    expect(replies).toHaveLength(1);
    expect(flights.count).toBe(1);
    stream.next(2);
    stream.complete();
    expect(flights.count).toBe(1);
    await nextTurn();
    expect(replies).toHaveLength(2);
    expect(flights.count).toBe(0);
  });

  it('counts a message no longer whose handler failed, and passes the error on', async () => {
    const { server, flights } = watchedStrategy();
    server.addHandler('rejects', () => Promise.reject(new Error('no')) as never);
    server.addHandler('throws', () => {
      throw new Error('at once');
    });
    await expect(server.handleMessage('rejects', () => {})).rejects.toThrow('no');
    await expect(server.handleMessage('throws', () => {})).rejects.toThrow('at once');
    expect(flights.count).toBe(0);
  });

  it('waits for every handler of an event, which Nest chains by a property of the function it made', async () => {
    const { server, flights } = watchedStrategy();
    const second = deferred<void>();
    // As Nest's ListenersController does it.
    const first = Object.assign(
      async () => (first as { next?: () => Promise<void> }).next!(),
      {} as { next?: () => Promise<void> },
    );
    server.addHandler('event', first as never, true);
    server.addHandler('event', () => second.promise as never, true);
    const handled = server.handleEvent('event', { pattern: 'event', data: 1 }, undefined as never);
    await nextTurn();
    expect(flights.count).toBe(1);
    second.resolve();
    await handled;
    expect(flights.count).toBe(0);
  });

  it('waits for a stream that an event handler returned', async () => {
    const { server, flights } = watchedStrategy();
    const stream = new Subject<void>();
    server.addHandler('event', async () => stream, true);
    await server.handleEvent('event', { pattern: 'event', data: 1 }, undefined as never);
    await nextTurn();
    expect(flights.count).toBe(1);
    stream.complete();
    expect(flights.count).toBe(0);
  });

  it('does not wait for a stream that nobody subscribes to', async () => {
    const { server, flights } = watchedStrategy();
    server.addHandler('p', async () => NEVER);
    expect(isObservable(await server.getHandlerByPattern('p')!('data'))).toBe(true);
    await nextTurn();
    expect(flights.count).toBe(0);
  });

  it('gives a custom strategy the results that the handlers return', async () => {
    const { server, flights } = watchedStrategy();
    server.addHandler('plain', () => 5 as never);
    server.addHandler('promise', () => Promise.resolve(6) as never);
    server.addHandler('stream', () => Promise.resolve(of(1, 2)));
    expect(server.getHandlerByPattern('plain')!('data')).toBe(5);
    expect(await server.getHandlerByPattern('promise')!('data')).toBe(6);
    const stream = (await server.getHandlerByPattern('stream')!('data')) as Observable<number>;
    expect(await lastValueFrom(stream.pipe(toArray()))).toEqual([1, 2]);
    await nextTurn();
    expect(flights.count).toBe(0);
  });

  it('counts the handlers that a server had before, and those of a strategy that is no Server of Nest', async () => {
    const early = new Strategy();
    const handled = deferred<void>();
    early.addHandler('p', () => handled.promise as never);
    const handlers: Record<string, (...args: unknown[]) => unknown> = {};
    const foreign: HandlingServer = { addHandler: (pattern, handler) => (handlers[String(pattern)] = handler) };
    const [flights, others] = [new Flights(), new Flights()];
    watchHandlers(early as unknown as HandlingServer, flights, false);
    watchHandlers(foreign, others, false);
    foreign.addHandler!('q', () => handled.promise);
    const running = [early.getHandlerByPattern('p')!('data'), handlers['q']!('data')];
    expect([flights.count, others.count]).toEqual([1, 1]);
    handled.resolve();
    await Promise.all(running);
    expect([flights.count, others.count]).toEqual([0, 0]);
  });

  it('counts a message in the group that it came by as well', async () => {
    const server = new Strategy();
    const flights = new Flights();
    const connection = new Flights(flights);
    watchHandlers(server as unknown as HandlingServer, flights, true, () => connection);
    const handled = deferred<void>();
    server.addHandler('p', () => handled.promise as never);
    const message = server.handleMessage('p', () => {});
    expect([flights.count, connection.count]).toEqual([1, 1]);
    handled.resolve();
    await message;
    await nextTurn();
    expect([flights.count, connection.count]).toEqual([0, 0]);
  });
});
