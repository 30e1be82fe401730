import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  type Member,
  type Publication,
  type Request,
  type Task,
  DeliveryRefused,
} from '../../../lib/bus/bus.interface.js';
import { decode, encode } from '../../../lib/codec/codec.js';
import { BackpressureError, NotConnectedError, type SerializedError } from '../../../lib/errors/errors.js';
import type { ClusterEventContext } from '../../../lib/events/cluster-event-context.js';
import { hostTime } from '../../../lib/platform/clock.js';
import { FakeBus, messengerOn, settle } from './fake-bus.js';

let bus: FakeBus;
let parts: ReturnType<typeof messengerOn>;
const logged = jest.spyOn(Logger.prototype, 'error');
const warned = jest.spyOn(Logger.prototype, 'warn');

beforeEach(() => {
  logged.mockReset().mockImplementation(() => undefined);
  warned.mockReset().mockImplementation(() => undefined);
  bus = new FakeBus();
  parts = messengerOn(bus);
});
afterEach(() => void jest.useRealTimers());

const payload = (value: unknown) => encode('e', value, Infinity);
const publication = (value: unknown, event = 'e'): Publication => ({ event, payload: payload(value), from: 2, id: 9 });
const request = (value?: unknown, deadline = Infinity): Request => ({
  event: 'e',
  payload: payload(value),
  from: 2,
  fromId: 8,
  id: 5,
  deadline,
});
const task = (value?: unknown, options: Partial<Task> = {}): Task => ({
  event: 'e',
  payload: payload(value),
  from: 'primary',
  id: 4,
  key: undefined,
  attempt: 1,
  deadline: Infinity,
  fromId: 8,
  ...options,
});
const replies = () => bus.replies.map(({ outcome, payload: bytes }) => [outcome, decode(bytes)]);
const deferred = () => {
  let resolve!: (value?: unknown) => void;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
};

describe('a broadcast', () => {
  it('runs all listeners in order of registration, each with data of its own', () => {
    const seen: unknown[] = [];
    parts.messenger.on('e', (data: { list: number[] }) => seen.push(['a', data.list.push(9)]));
    parts.messenger.on('e', (data: { list: number[] }) => seen.push(['b', data.list.push(9)]));
    parts.dispatcher.onPublish(publication({ list: [1] }));
    expect(seen).toEqual([
      ['a', 2],
      ['b', 2],
    ]);
  });

  it('starts handlers in order of arrival, though earlier ones still run', () => {
    const seen: unknown[] = [];
    parts.messenger.on('e', async (data) => {
      seen.push(data);
      await deferred().promise;
    });
    for (const data of [1, 2, 3]) parts.dispatcher.onPublish(publication(data));
    expect(seen).toEqual([1, 2, 3]);
  });

  it('tells a handler event, id, source and attempt; its signal never aborts', () => {
    const seen: ClusterEventContext[] = [];
    parts.messenger.on('e', (_data, context) => void seen.push(context));
    parts.dispatcher.onPublish(publication(1));
    expect(seen[0]).toMatchObject({ event: 'e', id: '2.9', source: 2, attempt: 1 });
    expect(seen[0]!.signal.aborted).toBe(false);
  });

  it('logs what a handler throws or rejects with, with event and slot, and runs the others', async () => {
    const ran = jest.fn();
    parts.messenger.on('e', function breaks() {
      throw new Error('sync');
    });
    parts.messenger.on('e', () => Promise.reject(new Error('async')));
    parts.messenger.on('e', () => {
      // oxlint-disable-next-line typescript/only-throw-error -- a handler may throw anything
      throw 'a string';
    });
    parts.messenger.on('e', ran);
    parts.dispatcher.onPublish(publication(1));
    await parts.dispatcher.idle();
    expect(ran).toHaveBeenCalledTimes(1);
    expect(logged.mock.calls.map(([message]) => message)).toEqual([
      "messenger.on(breaks) failed for broadcast 'e' from slot 2 in slot 0: sync",
      "messenger.on(listener) failed for broadcast 'e' from slot 2 in slot 0: it threw 'a string'",
      "messenger.on(listener) failed for broadcast 'e' from slot 2 in slot 0: async",
    ]);
    expect(logged.mock.calls[0]![1]).toContain('Error: sync\n    at');
  });

  it('whose payload cannot be decoded is dropped, and warned of once, however often it comes', () => {
    parts.messenger.on('e', () => 1);
    for (let n = 0; n < 3; n++)
      parts.dispatcher.onPublish({ ...publication(1), payload: Buffer.from([0xff, 0xff, 0xff]) });
    expect(warned).toHaveBeenCalledTimes(1);
    expect(logged).not.toHaveBeenCalled();
  });

  it('that nobody listens to is fine', () => {
    parts.dispatcher.onPublish(publication(1, 'other'));
    expect(logged).not.toHaveBeenCalled();
  });
});

describe('a request', () => {
  it('is answered by the first listener, with what it returns or resolves to', async () => {
    parts.messenger.on('e', (data: number) => data + 1);
    parts.messenger.on('e', () => 'never asked');
    parts.dispatcher.onRequest(request(1));
    expect(replies()).toEqual([['ok', 2]]);
    parts.messenger.once('e', () => 'gone');
    parts.dispatcher.onRequest(request(5));
    await settle();
    expect(replies().at(-1)).toEqual(['ok', 6]);
  });

  it('is answered with the error of the handler', async () => {
    parts.messenger.once('e', () => Promise.reject(new RangeError('too far')));
    parts.dispatcher.onRequest(request());
    await settle();
    parts.messenger.once('e', () => {
      throw new RangeError('too near');
    });
    parts.dispatcher.onRequest(request());
    expect(replies()).toEqual([
      ['error', expect.objectContaining({ name: 'RangeError', message: 'too far' })],
      ['error', expect.objectContaining({ name: 'RangeError', message: 'too near' })],
    ]);
    expect(logged).not.toHaveBeenCalled();
  });

  it('is answered with an error when the return value cannot be sent', () => {
    parts.messenger.once('e', () => ({ fn: () => 1 }));
    parts.dispatcher.onRequest(request());
    parts.messenger.once('e', () => 'x'.repeat(5_000));
    parts.dispatcher.onRequest(request());
    const codes = replies().map(([outcome, error]) => [outcome, (error as SerializedError).code]);
    expect(codes).toEqual([
      ['error', 'ERR_CLUSTER_PAYLOAD_NOT_CLONEABLE'],
      ['error', 'ERR_CLUSTER_PAYLOAD_TOO_LARGE'],
    ]);
  });

  it('is answered no-handler where only tasks or watchers of the event are', () => {
    parts.registry.addConsumer('e', { label: 'J.run', answers: true, invoke: () => 1 });
    parts.messenger.events$('e').subscribe();
    parts.dispatcher.onRequest(request());
    expect(replies()).toEqual([['no-handler', undefined]]);
  });

  it('that is past its deadline does not run', () => {
    const ran = jest.fn();
    parts.messenger.on('e', ran);
    parts.dispatcher.onRequest(request(1, hostTime() - 1));
    expect(ran).not.toHaveBeenCalled();
    expect(replies()).toEqual([['expired', undefined]]);
  });

  it('that fails after its deadline is logged, since nobody hears of it', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    let aborted: unknown;
    parts.messenger.on('e', async (_data, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      aborted = signal.reason;
      throw new Error('gave up');
    });
    parts.dispatcher.onRequest(request(1, hostTime() + 100));
    await jest.advanceTimersByTimeAsync(100);
    await parts.dispatcher.idle();
    expect(aborted).toMatchObject({ code: 'ERR_CLUSTER_TIMEOUT' });
    expect(logged.mock.calls[0]![0]).toMatch(/failed for 'e' from slot 2, after its deadline: nobody waits: gave up/);
  });

  it('leaves no timer of its signal behind', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    parts.messenger.on('e', (_data, { signal }) => Promise.resolve(signal.aborted));
    parts.dispatcher.onRequest(request(1, hostTime() + 100));
    expect(jest.getTimerCount()).toBe(1);
    await parts.dispatcher.idle();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('whose answer finds the bus gone leaves a warning, not a crash', () => {
    jest.spyOn(bus, 'reply').mockImplementation(() => {
      throw new Error('closed');
    });
    parts.messenger.on('e', () => 1);
    parts.dispatcher.onRequest(request());
    expect(warned.mock.calls[0]![0]).toBe("The answer (ok) to 'e' was lost: closed");
  });

  it('gives undefined, null, promises of nothing and thenables their due', async () => {
    // oxlint-disable-next-line unicorn/no-thenable -- a handler may return a query builder that is one
    const thenable = { then: (done: (n: number) => void) => done(3) };
    for (const value of [undefined, null, Promise.resolve(), thenable]) {
      parts.messenger.once('e', () => value);
      parts.dispatcher.onRequest(request());
    }
    await settle();
    expect(replies().map(([, value]) => value)).toEqual(expect.arrayContaining([undefined, null, undefined, 3]));
    expect(replies().every(([outcome]) => outcome === 'ok')).toBe(true);
  });
});

describe('a task', () => {
  it('runs in the first consumer, which sees attempt, id and source', () => {
    const seen: ClusterEventContext[] = [];
    const invoke = (data: unknown, context: ClusterEventContext) => {
      seen.push(context);
      return data;
    };
    parts.messenger.on('e', () => 'listener');
    parts.registry.addConsumer('e', { label: 'J.run', answers: true, invoke });
    parts.dispatcher.onTask(task('x', { attempt: 2, key: 'order-1' }));
    parts.dispatcher.onTask(task('y'));
    expect(seen.map(({ id, attempt, source }) => [id, attempt, source])).toEqual([
      ['order-1', 2, 'primary'],
      ['task.4', 1, 'primary'],
    ]);
    expect(replies()).toEqual([
      ['ok', 'x'],
      ['ok', 'y'],
    ]);
  });

  it('runs in the first listener where there is no consumer, and nowhere without either', () => {
    parts.dispatcher.onTask(task());
    parts.messenger.on('e', () => 'listener');
    parts.dispatcher.onTask(task());
    expect(replies()).toEqual([
      ['no-handler', undefined],
      ['ok', 'listener'],
    ]);
  });

  it('says how far it has come until it is done', async () => {
    const gate = deferred();
    const contexts: ClusterEventContext[] = [];
    parts.registry.addConsumer('e', {
      label: 'J.run',
      answers: true,
      invoke: (_data, context) => (contexts.push(context), gate.promise),
    });
    parts.dispatcher.onTask(task(undefined, { id: 7 }));
    await contexts[0]!.progress({ done: 1 });
    gate.resolve();
    await settle();
    await contexts[0]!.progress({ done: 2 });
    expect(bus.progresses).toEqual([[7, { done: 1 }]]);
  });

  it('that cannot say its progress hears why', async () => {
    let progress: Promise<void> | undefined;
    parts.messenger.on('e', (_data, context) => (progress = context.progress(() => undefined)));
    parts.dispatcher.onTask(task());
    await expect(progress).rejects.toMatchObject({ code: 'ERR_CLUSTER_PAYLOAD_NOT_CLONEABLE' });
  });

  it.each([
    ['a caller that is gone', new DeliveryRefused('gone'), 0],
    ['a bus that is closed', new NotConnectedError('closed'), 0],
    ['a way out that is full', new BackpressureError('full'), 1],
  ])('whose progress meets %s goes on without', async (_, failure, warnings) => {
    bus.progressFails = failure;
    let progress: Promise<void> | undefined;
    parts.messenger.on('e', (_data, context) => (progress = context.progress(1)).then(() => 'done'));
    parts.dispatcher.onTask(task());
    await progress;
    await settle();
    expect(replies()).toEqual([['ok', 'done']]);
    expect(warned).toHaveBeenCalledTimes(warnings);
  });

  it('that is no task has nobody to say its progress to', async () => {
    let progress: Promise<void> | undefined;
    parts.messenger.on('e', (_data, context) => void (progress = context.progress(1)));
    parts.dispatcher.onRequest(request());
    await progress;
    expect(bus.progresses).toEqual([]);
  });

  it('that was given up has its signal aborted, and no other one', async () => {
    const gate = deferred();
    const contexts: ClusterEventContext[] = [];
    parts.messenger.on('e', (_data, context) => (contexts.push(context), gate.promise));
    parts.dispatcher.onTask(task(undefined, { id: 7 }));
    parts.dispatcher.onTask(task(undefined, { id: 8 }));
    const { signal } = contexts[0]!;
    parts.dispatcher.onAbandoned(7);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ name: 'AbortError' });
    expect(contexts[1]!.signal.aborted).toBe(false);
    parts.dispatcher.onAbandoned(8);
    expect(contexts[1]!.signal.aborted).toBe(true);
    gate.resolve();
    await settle();
    // Too late: it is done.
    parts.dispatcher.onAbandoned(7);
    expect(replies()).toHaveLength(2);
  });
});

describe('being idle', () => {
  it('is resolved at once without work, else when the last handler is done', async () => {
    await parts.dispatcher.idle();
    const [a, b] = [deferred(), deferred()];
    parts.messenger.once('e', () => a.promise);
    parts.dispatcher.onPublish(publication(1));
    parts.messenger.once('e', () => b.promise);
    parts.dispatcher.onRequest(request());
    expect(parts.dispatcher.inFlight).toBe(2);
    const idle = jest.fn();
    void parts.dispatcher.idle().then(idle);
    a.resolve();
    await settle();
    expect(idle).not.toHaveBeenCalled();
    b.resolve();
    await settle();
    expect(idle).toHaveBeenCalledTimes(1);
  });
});

describe('members$', () => {
  it('gives the members as last heard, then each change, and completes when the bus is gone', () => {
    const members: Member[][] = [];
    const complete = jest.fn();
    parts.dispatcher.onMembers([]);
    const one = { id: 1, slot: 0, generation: 1, pid: 1, state: 'ready' as const, suspect: false };
    parts.dispatcher.onMembers([one]);
    parts.dispatcher.members$.subscribe({ next: (now) => members.push([...now]), complete });
    parts.dispatcher.onMembers([]);
    parts.dispatcher.onClosed('cut');
    expect(members).toEqual([[one], []]);
    expect(complete).toHaveBeenCalledTimes(1);
    expect(parts.dispatcher.closed).toBe('cut');
  });
});
