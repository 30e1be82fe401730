import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { DeliveryRefused } from '../../../lib/bus/bus.interface.js';
import {
  BackpressureError,
  ClusterTimeoutError,
  InvalidArgumentError,
  MemberLostError,
  NoHandlerError,
  NotConnectedError,
  PayloadNotCloneableError,
  PayloadTooLargeError,
} from '../../../lib/errors/errors.js';
import type { MessengerService } from '../../../lib/services/messenger.service.js';
import { hostTime } from '../../../lib/platform/clock.js';
import { FakeBus, messengerOn, ok, openMessenger, settle } from './fake-bus.js';
import { failureOf } from './failure-of.js';

// Also keeps the deadlines of calls that a test leaves unanswered from outliving it.
beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
afterEach(() => void jest.useRealTimers());

describe('calls before the bus is open', () => {
  it('wait for it and go in the order they were made', async () => {
    const bus = new FakeBus();
    const { connection, messenger } = messengerOn(bus);
    const opened = connection.open();
    void messenger.broadcast('a');
    void messenger.send(1, 'b');
    void messenger.map('c');
    void messenger.consume('d');
    const last = messenger.broadcast('e');
    await settle();
    expect(bus.log).toEqual([]);
    bus.setMembers([1, 0], [2, 1]);
    bus.finishOpening();
    void opened.then(() => messenger.broadcast('f'));
    await opened;
    await last;
    await settle();
    expect(bus.log).toEqual([
      'publish a',
      'request 2 b',
      'request 1 c',
      'request 2 c',
      'enqueue d',
      'publish e',
      'publish f',
    ]);
  });

  it('time out like any other', async () => {
    const { connection, messenger } = messengerOn(new FakeBus());
    void connection.open();
    const calls = Promise.allSettled([
      messenger.consume('a', 1, { timeout: 50 }),
      messenger.map('b', 1, { timeout: 50 }),
      messenger.send(0, 'c', 1, { timeout: 50 }),
      messenger.runOnce('d', () => 1, { timeout: 50 }),
      messenger.broadcast('e'),
    ]);
    await jest.advanceTimersByTimeAsync(50);
    await jest.advanceTimersByTimeAsync(30_000);
    for (const call of await calls) {
      expect(call).toMatchObject({ status: 'rejected', reason: expect.any(ClusterTimeoutError) });
    }
  });

  it('are refused when it cannot be opened or is closed meanwhile', async () => {
    const failing = new FakeBus();
    const one = messengerOn(failing);
    const opened = one.connection.open();
    const waiting = one.messenger.broadcast('a');
    failing.finishOpening(new Error('no primary'));
    await expect(opened).rejects.toThrow('no primary');
    await expect(waiting).rejects.toThrow(/broadcast\('a'\) found no connection .*no primary/);

    const closing = new FakeBus();
    const two = messengerOn(closing);
    const late = two.connection.open();
    const call = two.messenger.consume('a');
    await two.connection.close();
    await expect(call).rejects.toThrow(NotConnectedError);
    closing.finishOpening();
    await late;
    expect(closing.log).toEqual(['close']);
  });
});

describe('calls after the bus is gone', () => {
  it('are refused at once, each kind of them', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]]);
    bus.receiver.onClosed('the primary died');
    const calls: (() => Promise<unknown>)[] = [
      () => messenger.broadcast('a'),
      () => messenger.consume('a'),
      () => messenger.map('a'),
      () => messenger.mapSettled('a'),
      () => messenger.send(0, 'a'),
      () => messenger.runOnce('a', () => 1),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(NotConnectedError);
    await expect(messenger.broadcast('a')).rejects.toThrow('the primary died');
    expect(bus.log).toEqual([]);
  });

  it('closing twice closes the bus once', async () => {
    const { bus, connection } = await openMessenger([]);
    await connection.close();
    await connection.close();
    expect(bus.log).toEqual(['close']);
  });

  it('ends the wait for a worker', async () => {
    const { bus, messenger } = await openMessenger([]);
    const waiting = [messenger.map('a'), messenger.send(3, 'a')];
    bus.receiver.onClosed('the primary died');
    for (const call of waiting) await expect(call).rejects.toThrow(NotConnectedError);
  });
});

describe('order of one sender', () => {
  it('is the order of calls, whatever their kind', async () => {
    const { bus, messenger } = await openMessenger([
      [1, 0],
      [2, 1],
    ]);
    void messenger.send(1, 'a');
    void messenger.broadcast('b');
    void messenger.map('c');
    void messenger.send('primary', 'd');
    void messenger.broadcast('e');
    expect(bus.log).toEqual(['request 2 a', 'publish b', 'request 1 c', 'request 2 c', 'request 0 d', 'publish e']);
  });
});

describe('a call that waits for a worker', () => {
  it('is made as soon as the word of one comes, before what is sent after it', async () => {
    const { bus, messenger } = await openMessenger([]);
    for (const event of ['a', 'b']) void messenger.send(0, event);
    void messenger.map('c');
    bus.setMembers([1, 0]);
    void messenger.send(0, 'd');
    expect(bus.log).toEqual(['request 1 a', 'request 1 b', 'request 1 c', 'request 1 d']);
  });

  it('map: asks also one that is gone in the next moment', async () => {
    const { bus, messenger } = await openMessenger([]);
    const settled = messenger.mapSettled('e');
    bus.setMembers([1, 0]);
    bus.setMembers();
    bus.pending[0]!.reject(new MemberLostError(0, 'gone'));
    expect(await settled).toMatchObject([{ slot: 0, status: 'rejected', reason: { message: 'gone' } }]);
  });

  it('fails where the bus refuses it then', async () => {
    const { bus, messenger } = await openMessenger([], { timeout: Infinity });
    const failures = [failureOf(messenger.send(0, 'e')), failureOf(messenger.map('e'))];
    bus.request = () => {
      throw new BackpressureError('full');
    };
    bus.setMembers([1, 0]);
    expect(await failures[0]).toBeInstanceOf(BackpressureError);
    expect(await failures[1]).toMatchObject({ failures: [{ slot: 0, error: { message: 'full' } }] });
  });

  it('fails where the bus refuses it when it turns to the next worker', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]], { timeout: Infinity });
    const failure = failureOf(messenger.send(0, 'e'));
    bus.setMembers([2, 0]);
    bus.request = () => {
      throw new BackpressureError('full');
    };
    bus.pending[0]!.reject(new DeliveryRefused('left'));
    expect(await failure).toBeInstanceOf(BackpressureError);
  });
});

describe('progress that cannot be read', () => {
  it('fails the call and cancels it', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]]);
    const failure = failureOf(firstValueFrom(messenger.consume$('job')));
    const [pending] = bus.pending;
    const cancel = (pending!.waiter.cancel = jest.fn());
    pending!.task!.onProgress!(Buffer.from([0xff, 0x99, 0x01]));
    expect((await failure).message).not.toBe('');
    expect(cancel).toHaveBeenCalled();
  });
});

describe('the signal of consume$', () => {
  it('gives the task up, and has no listener left when that has ended', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]]);
    const { signal } = new AbortController();
    const added = jest.spyOn(signal, 'addEventListener');
    const removed = jest.spyOn(signal, 'removeEventListener');
    const result = firstValueFrom(messenger.consume$('job', undefined, { signal }));
    bus.pending[0]!.resolve(ok('done'));
    expect(await result).toEqual({ type: 'result', value: 'done' });
    expect(added).toHaveBeenCalled();
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);

    const controller = new AbortController();
    const failure = failureOf(firstValueFrom(messenger.consume$('job', undefined, { signal: controller.signal })));
    controller.abort(new Error('given up'));
    expect((await failure).message).toBe('given up');
  });
});

describe('deadlines', () => {
  it('default to the setting, travel as absolute time and cancel the call at the bus', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]], { timeout: 1_000 });
    const call = messenger.consume('job');
    const failure = failureOf(call);
    const [pending] = bus.pending;
    expect(pending!.task!.deadline).toBe(hostTime() + 1_000);
    const cancel = (pending!.waiter.cancel = jest.fn());
    await jest.advanceTimersByTimeAsync(1_000);
    expect((await failure).message).toContain(
      "consume('job') timed out after 1000 ms: no result came in time. Give the call a longer timeout (ms), or make its handler faster.",
    );
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('say that no worker is ready, and why waiting at boot is in vain', async () => {
    const { messenger } = await openMessenger([], { timeout: 1_000 });
    const calls = [messenger.consume('e'), messenger.map('e'), messenger.mapSettled('e'), messenger.send(2, 'e')];
    const rejected = calls.map((call) =>
      expect(call).rejects.toThrow(
        /timed out after 1000 ms: no worker became ready.*onApplicationBootstrap cannot work/,
      ),
    );
    await jest.advanceTimersByTimeAsync(1_000);
    await Promise.all(rejected);
  });

  it('tell which slots are ready when one is not', async () => {
    const { messenger } = await openMessenger([
      [1, 0],
      [2, 1],
    ]);
    const failure = failureOf(messenger.send(7, 'e', 1, { timeout: 10 }));
    await jest.advanceTimersByTimeAsync(10);
    expect((await failure).message).toContain('no worker became ready in slot 7; ready slots: 0, 1');
  });

  it('settle one by one in a map: who answered in time, did', async () => {
    const { bus, messenger } = await openMessenger([
      [1, 0],
      [2, 1],
    ]);
    const call = messenger.mapSettled('e', 1, { timeout: 100 });
    bus.pending[1]!.resolve(ok('in time', 1));
    await jest.advanceTimersByTimeAsync(100);
    expect(await call).toEqual([
      { slot: 0, status: 'rejected', reason: expect.any(ClusterTimeoutError) },
      { slot: 1, status: 'fulfilled', value: 'in time' },
    ]);
  });

  it('may be Infinity: no timer', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]]);
    const call = messenger.send(0, 'e', undefined, { timeout: Infinity });
    expect(jest.getTimerCount()).toBe(0);
    bus.pending[0]!.resolve(ok('at last'));
    expect(await call).toBe('at last');
  });
});

describe('a slot whose worker leaves', () => {
  it("gives the message to the slot's next worker when it was not handed over", async () => {
    const { bus, messenger } = await openMessenger([[1, 0]]);
    const call = messenger.send(0, 'e');
    bus.pending[0]!.reject(new DeliveryRefused());
    await settle();
    // Still listed: it is not asked again.
    expect(bus.log).toEqual(['request 1 e']);
    bus.setMembers([5, 0]);
    await settle();
    expect(bus.log).toEqual(['request 1 e', 'request 5 e']);
    bus.pending[1]!.resolve(ok('new worker'));
    expect(await call).toBe('new worker');
  });

  it('takes the replacement that is there already, in a map too', async () => {
    const { bus, messenger } = await openMessenger([
      [1, 0],
      [2, 1],
    ]);
    const call = messenger.map('e');
    bus.setMembers([2, 1], [6, 0]);
    bus.pending[0]!.reject(new DeliveryRefused());
    bus.pending[1]!.resolve(ok('b', 1));
    await settle();
    bus.pending[2]!.resolve(ok('a', 0));
    expect(await call).toEqual(['a', 'b']);
    expect(bus.log.at(-1)).toBe('request 6 e');
  });

  it('is lost when none comes before the deadline', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]]);
    const call = messenger.send(0, 'e', 1, { timeout: 100 });
    const failure = failureOf(call);
    bus.pending[0]!.reject(new DeliveryRefused());
    await jest.advanceTimersByTimeAsync(100);
    expect(await failure).toMatchObject({ name: 'MemberLostError', slot: 0 });
  });

  it('is lost at once when it gets no other worker: the cluster was scaled down, or stops', async () => {
    const { bus, messenger } = await openMessenger([
      [1, 0],
      [2, 1],
    ]);
    const failure = failureOf(messenger.send(1, 'e'));
    bus.pending[0]!.reject(new DeliveryRefused());
    await settle();
    bus.slots = 1;
    bus.setMembers([1, 0]);
    expect(await failure).toMatchObject({ name: 'MemberLostError', slot: 1 });
    const alone = failureOf(messenger.send(0, 'e'));
    bus.slots = 0;
    bus.setMembers();
    bus.pending[1]!.reject(new DeliveryRefused());
    expect(await alone).toMatchObject({ name: 'MemberLostError', slot: 0 });
  });

  it.each([
    ['its slot was scaled away', 1],
    ['the cluster stops', 0],
  ])('is left out of a map when it left before it took the question: %s', async (_, slots) => {
    const { bus, messenger } = await openMessenger([
      [1, 0],
      [2, 1],
    ]);
    const map = messenger.map('e');
    bus.slots = slots;
    bus.setMembers([1, 0]);
    bus.pending[1]!.reject(new DeliveryRefused());
    bus.pending[0]!.resolve(ok('here'));
    await expect(map).resolves.toEqual(['here']);
  });

  it.each(['map', 'mapSettled'] as const)(
    'lets %s reject where all have left, since the cluster stops',
    async (method) => {
      const { bus, messenger } = await openMessenger([[1, 0]]);
      const asked = failureOf(messenger[method]('e'));
      bus.slots = 0;
      bus.setMembers();
      bus.pending[0]!.reject(new DeliveryRefused());
      expect(await asked).toMatchObject({ name: 'NotConnectedError' });
      await expect(messenger[method]('e')).rejects.toMatchObject({ name: 'NotConnectedError' });
    },
  );

  it('is lost at once when it died with the message, or is the primary', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]]);
    const dead = messenger.send(0, 'e');
    bus.pending[0]!.reject(new MemberLostError(0, 'died'));
    await expect(dead).rejects.toThrow('died');
    const primary = messenger.send('primary', 'e');
    bus.pending[1]!.reject(new DeliveryRefused());
    await expect(primary).rejects.toMatchObject({ name: 'MemberLostError', slot: 'primary' });
  });
});

describe('map', () => {
  it('waits for a first worker', async () => {
    const { bus, messenger } = await openMessenger([]);
    const call = messenger.map('e');
    await settle();
    bus.setMembers([1, 0]);
    await settle();
    bus.pending[0]!.resolve(ok(1));
    expect(await call).toEqual([1]);
  });

  it('asks those that are ready when it is sent, suspects too, and nobody who comes later', async () => {
    const { bus, messenger } = await openMessenger([
      [2, 1],
      [1, 0],
    ]);
    bus.members[0] = { ...bus.members[0]!, suspect: true };
    const call = messenger.map('e');
    bus.setMembers([1, 0], [2, 1], [3, 2]);
    await settle();
    expect(bus.log).toEqual(['request 1 e', 'request 2 e']);
    bus.pending[1]!.resolve(ok('second', 1));
    bus.pending[0]!.resolve(ok('first', 0));
    expect(await call).toEqual(['first', 'second']);
  });

  it('asks the newest worker of a slot, once', async () => {
    const { bus, messenger } = await openMessenger([
      [5, 0],
      [2, 0],
    ]);
    void messenger.map('e');
    void messenger.send(0, 'e');
    expect(bus.log).toEqual(['request 5 e', 'request 5 e']);
  });

  it('map$ asks nobody when it is unsubscribed while it waits for a worker', async () => {
    const { bus, messenger } = await openMessenger([]);
    const subscription = messenger.map$('e').subscribe();
    await settle();
    subscription.unsubscribe();
    bus.setMembers([1, 0]);
    await settle();
    expect(bus.log).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('map$ stops waiting when it is unsubscribed', async () => {
    const { bus, messenger } = await openMessenger([
      [1, 0],
      [2, 1],
    ]);
    const seen: unknown[] = [];
    const subscription = messenger
      .map$('e')
      .subscribe({ next: (value) => seen.push(value), error: (e) => seen.push(e) });
    await settle();
    const cancels = bus.pending.map(({ waiter }) => (waiter.cancel = jest.fn()));
    bus.pending[0]!.resolve(ok('a', 0));
    await settle();
    subscription.unsubscribe();
    expect(cancels[0]).not.toHaveBeenCalled();
    expect(cancels[1]).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(seen).toEqual([{ slot: 0, value: 'a' }]);
  });
});

describe('outcomes of consume', () => {
  const outcome = async (name: 'no-handler' | 'lost' | 'expired') => {
    const { bus, messenger } = await openMessenger([[1, 0]]);
    const call = messenger.consume('job');
    bus.pending[0]!.resolve({ outcome: name, payload: new Uint8Array(0), slot: 3 });
    return call.catch((error: unknown) => error);
  };

  it('become coded errors', async () => {
    expect(await outcome('no-handler')).toBeInstanceOf(NoHandlerError);
    expect(await outcome('expired')).toBeInstanceOf(ClusterTimeoutError);
    expect(await outcome('lost')).toMatchObject({ name: 'MemberLostError', slot: 3 });
  });

  it('pass the options on', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]]);
    void messenger.consume('a');
    void messenger.consume('b', 1, { id: 'x', attempts: 3, redeliveries: 0 });
    void messenger.consume('c', 1, { delivery: 'at-most-once' });
    const policies = bus.pending.map(({ task }) => [task!.key, task!.attempts, task!.redeliveries]);
    expect(policies).toEqual([
      [undefined, 1, 2],
      ['x', 3, 0],
      [undefined, 1, 0],
    ]);
  });
});

describe('serving', () => {
  it('tells the bus once for all handlers of a turn', async () => {
    const { bus, messenger } = await openMessenger([]);
    expect(bus.served).toEqual([[]]);
    messenger.on('a', () => 1);
    const off = messenger.on('b', () => 1);
    await settle();
    expect(bus.served).toEqual([[], ['a', 'b']]);
    off();
    await settle();
    expect(bus.served.at(-1)).toEqual(['a']);
  });
});

describe('arguments that cannot be used', () => {
  const refused: [string, (messenger: MessengerService) => Promise<unknown>, string][] = [
    ['an empty event', (m) => m.broadcast(''), "broadcast: event must be a non-empty string, not ''."],
    [
      'an event that is no string',
      (m) => m.map(5 as unknown as string),
      'map: event must be a non-empty string, not 5.',
    ],
    [
      'a long event',
      (m) => m.broadcast('x'.repeat(1025)),
      'broadcast: event is 1025 bytes long, over the limit of 1024',
    ],
    ['options that are no object', (m) => m.consume('e', 1, 50 as never), "consume('e'): options must be an object"],
    [
      'an unknown option',
      (m) => m.map('e', 1, { timeOut: 5 } as never),
      "map('e'): unknown option 'timeOut'. Known: timeout.",
    ],
    [
      'a timeout of 0',
      (m) => m.send(0, 'e', 1, { timeout: 0 }),
      "send(0, 'e'): timeout must be a positive number of ms or Infinity, not 0.",
    ],
    [
      'a timeout of NaN',
      (m) => m.mapSettled('e', 1, { timeout: NaN }),
      "mapSettled('e'): timeout must be a positive number",
    ],
    ['a negative slot', (m) => m.send(-1, 'e'), "send(-1, 'e'): the address must be 'primary' or a slot, 0 to 3."],
    [
      'a slot that does not exist',
      (m) => m.send(4, 'e'),
      "send(4, 'e'): the address must be 'primary' or a slot, 0 to 3.",
    ],
    ['an address by another name', (m) => m.send('all' as never, 'e'), "send('all', 'e'): the address must be"],
    ['an empty id', (m) => m.consume('e', 1, { id: '' }), "consume('e'): id must be a non-empty string"],
    [
      'no attempt',
      (m) => m.consume('e', 1, { attempts: 0 }),
      "consume('e'): attempts must be a whole number of at least 1, not 0.",
    ],
    [
      'half a redelivery',
      (m) => m.consume('e', 1, { redeliveries: 0.5 }),
      "consume('e'): redeliveries must be a whole number",
    ],
    [
      'a delivery it does not know',
      (m) => m.consume('e', 1, { delivery: 'exactly-once' as never }),
      "delivery must be 'at-least-once' or",
    ],
    [
      'a contradiction',
      (m) => m.consume('e', 1, { delivery: 'at-most-once', attempts: 2 }),
      "'at-most-once' contradicts attempts: 2",
    ],
    [
      'another one',
      (m) => m.consume('e', 1, { delivery: 'at-most-once', redeliveries: 1 }),
      "'at-most-once' contradicts redeliveries: 1",
    ],
    [
      'a key that is no string',
      (m) => m.runOnce(undefined as never, () => 1),
      'runOnce: key must be a non-empty string',
    ],
    ['no function', (m) => m.runOnce('k', 1 as never), "runOnce('k'): the second argument must be a function, not 1."],
    ['a ttl of 0', (m) => m.runOnce('k', () => 1, { ttl: 0 }), "runOnce('k'): ttl must be a positive number"],
  ];

  for (const [what, call, message] of refused) {
    it(`reject, never throw: ${what}`, async () => {
      const { bus, messenger } = await openMessenger([[1, 0]], { slots: () => 4 });
      const error: unknown = await call(messenger).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect((error as Error).message).toContain(message);
      expect(bus.log).toEqual([]);
    });
  }

  it('come as an error notification from map$', () => {
    const { messenger } = messengerOn(new FakeBus());
    const error = jest.fn();
    messenger.map$('', 1).subscribe({ error });
    expect(error).toHaveBeenCalledWith(expect.any(InvalidArgumentError));
  });

  it('throw where nothing is awaited: on, once, events$', () => {
    const { messenger } = messengerOn(new FakeBus());
    expect(() => messenger.on('', () => 1)).toThrow(InvalidArgumentError);
    expect(() => messenger.once('e', 'no function' as never)).toThrow("once('e'): the listener must be a function");
    expect(() => messenger.events$('')).toThrow(InvalidArgumentError);
  });

  it('reject for data that cannot be sent, before anything is', async () => {
    const { bus, messenger } = await openMessenger([[1, 0]], { maxPayload: 100 });
    for (const call of ['broadcast', 'consume', 'map', 'mapSettled'] as const) {
      await expect(messenger[call]('e', () => 1)).rejects.toThrow(PayloadNotCloneableError);
      await expect(messenger[call]('e', 'x'.repeat(101))).rejects.toThrow(PayloadTooLargeError);
    }
    expect(bus.log).toEqual([]);
  });
});
