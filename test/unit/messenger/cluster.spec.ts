import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { firstValueFrom, take, tap, toArray } from 'rxjs';
import { MapError, MemberLostError, NoHandlerError, RemoteError } from '../../../lib/errors/errors.js';
import type { ClusterEventContext } from '../../../lib/events/cluster-event-context.js';
import type { TaskEvent } from '../../../lib/messenger/consume.js';
import { type Peer, deferred, InProcessCluster } from './in-process-cluster.js';
import { failureOf } from './failure-of.js';

let logged: string[];
beforeEach(() => {
  logged = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((message: unknown) => void logged.push(String(message)));
});
afterEach(() => void jest.restoreAllMocks());

/** Collects what arrives and tells when there is enough of it. */
function inbox<T>(expected: number) {
  const items: T[] = [];
  const { promise, resolve } = deferred<T[]>();
  return { add: (item: T) => void (items.push(item) === expected && resolve(items)), full: promise, items };
}

function consumes(peer: Peer, event: string, run: (data: never, context: ClusterEventContext) => unknown): void {
  peer.registry.addConsumer(event, { label: 'Jobs.run', answers: true, invoke: run });
}

describe('broadcast', () => {
  it('reaches every worker, the sender and the primary, once', async () => {
    const seen = inbox<string>(4);
    const { cluster, workers } = await InProcessCluster.of(3, ({ messenger }, slot) => {
      messenger.on('hello', (data, { source }) => seen.add(`${slot}: ${data} from ${source}`));
    });
    cluster.primary.messenger.on('hello', (data, { source }) => seen.add(`primary: ${data} from ${source}`));
    await workers[1]!.messenger.broadcast('hello', 'hi');
    expect((await seen.full).sort()).toEqual(['0: hi from 1', '1: hi from 1', '2: hi from 1', 'primary: hi from 1']);
    await cluster.primary.messenger.map('settle').catch(() => undefined);
    expect(seen.items).toHaveLength(4);
  });

  it('arrives in order with what else the sender sends', async () => {
    const seen = inbox<unknown>(6);
    const { workers } = await InProcessCluster.of(2, ({ messenger }, slot) => {
      if (slot === 1) for (const event of ['a', 'b']) messenger.on(event, (data) => seen.add([event, data]));
    });
    const [{ messenger }] = workers as [Peer];
    for (const number of [1, 2, 3]) {
      void messenger.broadcast('a', number);
      void messenger.send(1, 'b', number);
    }
    expect(await seen.full).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 2],
      ['b', 2],
      ['a', 3],
      ['b', 3],
    ]);
  });

  it('that nobody listens to is fine; what a handler throws is logged where it ran', async () => {
    const ran = deferred();
    const { workers } = await InProcessCluster.of(2);
    await workers[0]!.messenger.broadcast('nobody');
    workers[1]!.messenger.on('breaks', async () => {
      ran.resolve();
      throw new Error('on purpose');
    });
    await workers[0]!.messenger.broadcast('breaks');
    await ran.promise;
    await workers[1]!.dispatcher.idle();
    expect(logged).toEqual(["messenger.on(listener) failed for broadcast 'breaks' from slot 0 in slot 1: on purpose"]);
  });

  it('carries the types that structuredClone does', async () => {
    const seen = inbox<unknown>(1);
    const { workers } = await InProcessCluster.of(2, ({ messenger }, slot) => {
      if (slot === 1) messenger.on('data', seen.add);
    });
    const cycle: Record<string, unknown> = { name: 'cycle' };
    cycle.self = cycle;
    const data = {
      date: new Date(7),
      map: new Map([[{ key: 1 }, new Set([2n])]]),
      buffer: Buffer.from('bytes'),
      floats: new Float64Array([0.5]),
      nothing: undefined,
      cycle,
    };
    await workers[0]!.messenger.broadcast('data', data);
    expect((await seen.full)[0]).toEqual(data);
  });
});

describe('consume', () => {
  it('runs each task in exactly one worker, called from anywhere, and resolves to what it returned', async () => {
    const ran: number[] = [];
    const { cluster, workers } = await InProcessCluster.of(3, (peer, slot) => {
      consumes(peer, 'square', (data: number) => {
        ran.push(slot);
        return data * data;
      });
    });
    const callers = [cluster.primary, ...workers];
    const results = await Promise.all(callers.map(({ messenger }, index) => messenger.consume('square', index)));
    expect(results).toEqual([0, 1, 4, 9]);
    expect(ran).toHaveLength(4);
  });

  it('falls back to a listener, also one that was added after the worker became ready', async () => {
    const { workers } = await InProcessCluster.of(2);
    await expect(workers[0]!.messenger.consume('late')).rejects.toThrow(NoHandlerError);
    workers[1]!.messenger.on('late', () => 'here');
    await workers[1]!.messenger.runOnce('after the bus was told', () => 1);
    expect(await workers[0]!.messenger.consume('late')).toBe('here');
  });

  it('a worker that dies with the task: another one runs it and sees the attempt', async () => {
    const taken = deferred<number>();
    const { cluster, workers } = await InProcessCluster.of(2, (peer, slot) => {
      consumes(peer, 'job', (_data, { attempt }) => {
        if (attempt > 1) return [slot, attempt];
        taken.resolve(slot);
        return new Promise(() => undefined);
      });
    });
    const result = cluster.primary.messenger.consume('job');
    const first = await taken.promise;
    cluster.kill(workers[first]!);
    expect(await result).toEqual([1 - first, 2]);
  });

  it('given up by its signal: rejects with the reason, and the handler hears of it', async () => {
    const began = deferred();
    const aborted = deferred<unknown>();
    const { workers } = await InProcessCluster.of(2, (peer) => {
      consumes(peer, 'job', (_data, { signal }) => {
        began.resolve();
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            aborted.resolve(signal.reason);
            reject(signal.reason as Error);
          }),
        );
      });
    });
    const controller = new AbortController();
    const result = workers[0]!.messenger.consume('job', undefined, { signal: controller.signal });
    const failure = failureOf(result);
    await began.promise;
    controller.abort(new Error('not any more'));
    expect(await failure).toMatchObject({ message: 'not any more' });
    expect(await aborted.promise).toMatchObject({ name: 'AbortError' });
  });

  it('is not sent where its signal was aborted before, and refuses what is no signal', async () => {
    const run = jest.fn();
    const { workers } = await InProcessCluster.of(1, (peer) => consumes(peer, 'job', run));
    const [{ messenger }] = workers as [Peer];
    const aborted = messenger.consume('job', 1, { signal: AbortSignal.abort(new Error('too late')) });
    await expect(aborted).rejects.toThrow('too late');
    await messenger.consume('job', 2);
    expect(run).toHaveBeenCalledTimes(1);
    await expect(messenger.consume('job', 1, { signal: 5 as unknown as AbortSignal })).rejects.toThrow(
      "consume('job'): signal must be an AbortSignal, not 5.",
    );
  });

  it('consume$ gives the progress, then the result; of another run too', async () => {
    const { cluster, workers } = await InProcessCluster.of(2, (peer, slot) => {
      consumes(peer, 'job', async (data, context) => {
        await context.progress({ data, slot, attempt: context.attempt });
        return context.attempt === 1 ? new Promise(() => undefined) : 'done';
      });
    });
    const slots: number[] = [];
    const killRunner = tap((event: TaskEvent<unknown>) => {
      if (event.type === 'result') return;
      const { slot } = event.value as { slot: number };
      if (slots.push(slot) === 1) cluster.kill(workers[slot]!);
    });
    const events = await firstValueFrom(cluster.primary.messenger.consume$('job', 7).pipe(killRunner, toArray()));
    expect(events).toEqual([
      { type: 'progress', value: { data: 7, slot: slots[0], attempt: 1 } },
      { type: 'progress', value: { data: 7, slot: 1 - slots[0]!, attempt: 2 } },
      { type: 'result', value: 'done' },
    ]);
  });

  it('consume$ fails as consume does, and asks anew with each subscription', async () => {
    const { workers } = await InProcessCluster.of(1, (peer) => {
      consumes(peer, 'job', () => {
        throw new RangeError('on purpose');
      });
    });
    const task$ = workers[0]!.messenger.consume$('job');
    await expect(firstValueFrom(task$)).rejects.toMatchObject({ name: 'RangeError', message: 'on purpose' });
    await expect(firstValueFrom(task$)).rejects.toThrow(RemoteError);
    await expect(firstValueFrom(workers[0]!.messenger.consume$('nobody'))).rejects.toThrow(NoHandlerError);
  });

  it('consume$ that is unsubscribed gives the task up', async () => {
    const began = deferred();
    const aborted = deferred();
    const { workers } = await InProcessCluster.of(2, (peer) => {
      consumes(peer, 'job', (_data, { signal }) => {
        signal.addEventListener('abort', () => aborted.resolve());
        began.resolve();
        return new Promise(() => undefined);
      });
    });
    const failed = jest.fn();
    const subscription = workers[1]!.messenger.consume$('job').subscribe({ error: failed });
    await began.promise;
    subscription.unsubscribe();
    await aborted.promise;
    expect(failed).not.toHaveBeenCalled();
  });

  it('at most once: it is lost with its worker', async () => {
    const taken = deferred<number>();
    const { cluster, workers } = await InProcessCluster.of(2, (peer, slot) => {
      consumes(peer, 'job', () => {
        taken.resolve(slot);
        return new Promise(() => undefined);
      });
    });
    const result = cluster.primary.messenger.consume('job', 1, { delivery: 'at-most-once' });
    const failure = failureOf(result);
    cluster.kill(workers[await taken.promise]!);
    expect(await failure).toBeInstanceOf(MemberLostError);
  });

  it("does not retry a handler's error, unless attempts says so", async () => {
    let runs = 0;
    const { cluster } = await InProcessCluster.of(2, (peer) => {
      consumes(peer, 'flaky', (_data, { attempt }) => {
        runs++;
        if (attempt < 3) throw new Error(`attempt ${attempt}`);
        return attempt;
      });
    });
    await expect(cluster.primary.messenger.consume('flaky')).rejects.toThrow('attempt 1');
    expect(runs).toBe(1);
    expect(await cluster.primary.messenger.consume('flaky', 1, { attempts: 3 })).toBe(3);
    expect(runs).toBe(4);
  });

  it('gives duplicates with one id one execution and one result', async () => {
    let runs = 0;
    const { cluster, workers } = await InProcessCluster.of(2, (peer) => consumes(peer, 'pay', () => ++runs));
    const callers = [cluster.primary, ...workers, cluster.primary];
    const results = await Promise.all(callers.map(({ messenger }) => messenger.consume('pay', 1, { id: 'order-7' })));
    expect(results).toEqual([1, 1, 1, 1]);
    expect(runs).toBe(1);
  });

  it('waits while no worker is ready', async () => {
    const { cluster } = await InProcessCluster.of(0);
    const result = cluster.primary.messenger.consume('job', 20);
    await cluster.start(0, (peer) => consumes(peer, 'job', (data: number) => data + 1));
    expect(await result).toBe(21);
  });
});

describe('map', () => {
  it('gives the values of every worker in order of slots, whoever is first; one handler answers for each', async () => {
    const gate = deferred();
    const { cluster } = await InProcessCluster.of(3, ({ messenger }, slot) => {
      messenger.on('slot', async () => {
        if (slot === 0) await gate.promise;
        if (slot === 2) gate.resolve();
        return slot;
      });
      messenger.on('slot', () => 'second');
    });
    expect(await cluster.primary.messenger.map('slot')).toEqual([0, 1, 2]);
  });

  it('rejects with who failed and why; mapSettled tells of all', async () => {
    const { cluster, workers } = await InProcessCluster.of(3, ({ messenger }, slot) => {
      if (slot === 2) return;
      messenger.on('stats', () => {
        if (slot === 0) throw Object.assign(new TypeError('broken'), { code: 'E_BROKEN' });
        return 'fine';
      });
    });
    const error: MapError = await workers[0]!.messenger.map('stats').then(
      () => Promise.reject(new Error('it resolved')),
      (reason: MapError) => reason,
    );
    expect(error).toBeInstanceOf(MapError);
    expect(error.failures).toEqual([
      { slot: 0, error: expect.objectContaining({ name: 'TypeError', code: 'E_BROKEN', slot: 0 }) },
      { slot: 2, error: expect.any(NoHandlerError) },
    ]);
    expect(error.message).toContain("map('stats') failed in 2 of 3 members (slot 0: broken; slot 2: No handler");
    expect(await cluster.primary.messenger.mapSettled('stats')).toEqual([
      { slot: 0, status: 'rejected', reason: expect.any(RemoteError) },
      { slot: 1, status: 'fulfilled', value: 'fine' },
      { slot: 2, status: 'rejected', reason: expect.any(NoHandlerError) },
    ]);
  });

  it('tells a worker without a handler from a handler that met none', async () => {
    const { cluster } = await InProcessCluster.of(2, ({ messenger }) => {
      messenger.on('outer', () => messenger.map('inner'));
    });
    const error = await failureOf(cluster.primary.messenger.map('outer'));
    expect(error).toBeInstanceOf(MapError);
    expect((error as MapError).failures[0]!.error).toMatchObject({ name: 'NoHandlerError', slot: 0 });
  });

  it('has no handler where no worker has one', async () => {
    const { workers } = await InProcessCluster.of(2);
    const error: unknown = await workers[0]!.messenger.map('nobody').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'NoHandlerError', event: 'nobody' });
    expect((error as Error).message).toContain("No handler for event 'nobody' in any ready worker.");
  });

  it('settles a worker that dies as MemberLostError at once', async () => {
    const asked = deferred();
    const { cluster, workers } = await InProcessCluster.of(2, ({ messenger }, slot) => {
      messenger.on('slow', () => {
        if (slot === 0) return 'alive';
        asked.resolve();
        return new Promise(() => undefined);
      });
    });
    const settled = cluster.primary.messenger.mapSettled('slow', undefined, { timeout: Infinity });
    await asked.promise;
    cluster.kill(workers[1]!);
    expect(await settled).toEqual([
      { slot: 0, status: 'fulfilled', value: 'alive' },
      { slot: 1, status: 'rejected', reason: expect.any(MemberLostError) },
    ]);
  });

  it('map$ gives values as they come, then the failure of all', async () => {
    const gate = deferred();
    const { cluster } = await InProcessCluster.of(3, ({ messenger }, slot) => {
      messenger.on('stream', async () => {
        if (slot === 0) await gate.promise;
        if (slot === 1) throw new Error('one failed');
        return slot * 10;
      });
    });
    const seen: unknown[] = [];
    const failed = deferred<unknown>();
    cluster.primary.messenger.map$('stream').subscribe({
      next: (value) => {
        seen.push(value);
        gate.resolve();
      },
      error: failed.resolve,
    });
    expect(await failed.promise).toBeInstanceOf(MapError);
    expect(seen).toEqual([
      { slot: 2, value: 20 },
      { slot: 0, value: 0 },
    ]);
  });

  it('map$ asks anew for each subscriber and completes when all succeeded', async () => {
    let asked = 0;
    const { cluster } = await InProcessCluster.of(2, ({ messenger }) => void messenger.on('count', () => ++asked));
    const counts$ = cluster.primary.messenger.map$('count').pipe(toArray());
    expect(asked).toBe(0);
    expect(await firstValueFrom(counts$)).toHaveLength(2);
    await firstValueFrom(counts$);
    expect(asked).toBe(4);
  });
});

describe('send', () => {
  it('reaches one slot, its own too, or the primary, and resolves to what the handler returned', async () => {
    const { cluster, workers } = await InProcessCluster.of(3, ({ messenger }, slot) => {
      messenger.on('who', (data, { source }) => `${data} in ${slot} from ${source}`);
    });
    cluster.primary.messenger.on('who', (data, { source }) => `${data} in primary from ${source}`);
    expect(await workers[0]!.messenger.send(2, 'who', 'x')).toBe('x in 2 from 0');
    expect(await workers[0]!.messenger.send(0, 'who', 'x')).toBe('x in 0 from 0');
    expect(await workers[0]!.messenger.send('primary', 'who', 'x')).toBe('x in primary from 0');
    expect(await cluster.primary.messenger.send(1, 'who', 'x')).toBe('x in 1 from primary');
    expect(await cluster.primary.messenger.send('primary', 'who', 'x')).toBe('x in primary from primary');
  });

  it("rejects with the handler's error, rebuilt", async () => {
    const { workers } = await InProcessCluster.of(2, ({ messenger }) => {
      messenger.on('fails', () => {
        throw Object.assign(new RangeError('no'), { code: 'E_NO', limit: 3 });
      });
    });
    const error: unknown = await workers[0]!.messenger.send(1, 'fails').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ name: 'RangeError', message: 'no', code: 'E_NO', data: { limit: 3 }, slot: 1 });
    expect(logged).toEqual([]);
  });

  it('has no handler where the slot has none, at once', async () => {
    const { workers } = await InProcessCluster.of(2);
    await expect(workers[0]!.messenger.send(1, 'x')).rejects.toThrow("No handler for event 'x' in slot 1.");
    await expect(workers[0]!.messenger.send('primary', 'x')).rejects.toThrow(
      "No handler for event 'x' in the primary.",
    );
  });

  it('to a worker that leaves waits for the one that takes its slot', async () => {
    const { cluster, workers } = await InProcessCluster.of(2);
    // Sent before anybody but the hub knows that it leaves.
    cluster.hub.leaving(workers[1]!.id);
    const answer = workers[0]!.messenger.send(1, 'who');
    await cluster.start(1, ({ messenger }) => void messenger.on('who', () => 'the next one'));
    expect(await answer).toBe('the next one');
  });

  it('is lost with a worker that dies', async () => {
    const asked = deferred();
    const { cluster, workers } = await InProcessCluster.of(2, ({ messenger }) => {
      messenger.on('slow', () => {
        asked.resolve();
        return new Promise(() => undefined);
      });
    });
    const failure = failureOf(workers[0]!.messenger.send(1, 'slow'));
    await asked.promise;
    cluster.kill(workers[1]!);
    expect(await failure).toBeInstanceOf(MemberLostError);
  });
});

describe('runOnce', () => {
  it('runs in one of those that call it; all get its result, as a clone, also those that are not ready', async () => {
    const { cluster, workers } = await InProcessCluster.of(2);
    const booting = await cluster.boot(2);
    const result = { rows: new Set([1]) };
    const run = jest.fn(() => Promise.resolve(result));
    const callers = [...workers, booting, cluster.primary, workers[0]!];
    const results = await Promise.all(callers.map(({ messenger }) => messenger.runOnce('migrate', run)));
    expect(run).toHaveBeenCalledTimes(1);
    for (const one of results) {
      expect(one).toEqual(result);
      expect(one).not.toBe(result);
    }
    const late = await cluster.boot(3);
    expect(await late.messenger.runOnce('migrate', run)).toEqual(result);
    expect(run).toHaveBeenCalledTimes(1);
    expect(await workers[1]!.messenger.runOnce('another', () => 'own key')).toBe('own key');
  });

  it('is taken over by another caller when the runner dies', async () => {
    const { cluster, workers } = await InProcessCluster.of(2);
    const started = deferred();
    const dead = workers[0]!.messenger.runOnce('migrate', () => {
      started.resolve();
      return new Promise(() => undefined);
    });
    dead.catch(() => undefined);
    await started.promise;
    const waiting = workers[1]!.messenger.runOnce('migrate', () => 'taken over');
    cluster.kill(workers[0]!);
    expect(await waiting).toBe('taken over');
  });

  it('gives its error to those that wait, the original to the runner, and runs again for the next call', async () => {
    const { workers } = await InProcessCluster.of(2);
    const gate = deferred();
    const started = deferred();
    const original = Object.assign(new Error('no database'), { code: 'E_DB' });
    const runner = workers[0]!.messenger
      .runOnce('migrate', async () => {
        started.resolve();
        await gate.promise;
        throw original;
      })
      .catch((error: unknown) => error);
    await started.promise;
    const waiter = workers[1]!.messenger.runOnce('migrate', () => 'never').catch((error: unknown) => error);
    // The claim is at the hub once something sent after it was answered.
    await workers[1]!.messenger.map('x').catch(() => undefined);
    gate.resolve();
    expect(await runner).toBe(original);
    expect(await waiter).toMatchObject({ name: 'Error', message: 'no database', code: 'E_DB', slot: 0 });
    expect(await waiter).toBeInstanceOf(RemoteError);
    expect(await workers[1]!.messenger.runOnce('migrate', () => 'second try')).toBe('second try');
  });

  it('fails for all when its result cannot be sent', async () => {
    const { workers } = await InProcessCluster.of(1);
    await expect(workers[0]!.messenger.runOnce('k', () => () => 1)).rejects.toMatchObject({
      code: 'ERR_CLUSTER_PAYLOAD_NOT_CLONEABLE',
    });
    expect(await workers[0]!.messenger.runOnce('k', () => 2)).toBe(2);
  });

  it('runs again after its ttl', async () => {
    const { cluster, workers } = await InProcessCluster.of(2);
    let runs = 0;
    const run = (peer: Peer) => peer.messenger.runOnce('token', () => ++runs, { ttl: 1_000 });
    expect(await run(workers[0]!)).toBe(1);
    // The ttl begins when the hub hears of the result, which it has once somebody else got it.
    expect(await run(workers[1]!)).toBe(1);
    cluster.now += 999;
    expect(await run(workers[1]!)).toBe(1);
    cluster.now += 1;
    expect(await run(workers[1]!)).toBe(2);
  });
});

describe('imperative listeners', () => {
  it('are removed by off, by the returned function, and after once', async () => {
    const { workers } = await InProcessCluster.of(1);
    const [{ messenger, dispatcher }] = workers as [Peer];
    const seen: string[] = [];
    const ping = async () => {
      const done = firstValueFrom(messenger.events$('ping'));
      await messenger.broadcast('ping');
      await done;
      await dispatcher.idle();
      return seen.splice(0);
    };
    const a = () => void seen.push('a');
    const b = () => void seen.push('b');
    messenger.on('ping', a);
    const offB = messenger.on('ping', b);
    messenger.once('ping', () => void seen.push('once'));
    expect(await ping()).toEqual(['a', 'b', 'once']);
    expect(await ping()).toEqual(['a', 'b']);
    messenger.off('ping', a);
    expect(await ping()).toEqual(['b']);
    offB();
    messenger.off('ping', b);
    expect(await ping()).toEqual([]);
  });

  it('added twice, the one added last goes first', async () => {
    const { workers } = await InProcessCluster.of(1);
    const [{ messenger, registry }] = workers as [Peer];
    const twice = () => 1;
    messenger.on('e', twice);
    const [first] = registry.listeners('e');
    messenger.on('e', twice);
    messenger.off('e', twice);
    expect(registry.listeners('e')).toEqual([first]);
  });

  it('events$ gives broadcasts with data and context while subscribed', async () => {
    const { cluster, workers } = await InProcessCluster.of(1);
    const [{ messenger, registry }] = workers as [Peer];
    const two = firstValueFrom(messenger.events$('tick').pipe(take(2), toArray()));
    expect(registry.listeners('tick')).toHaveLength(1);
    for (const number of [1, 2, 3]) await cluster.primary.messenger.broadcast('tick', number);
    const events = await two;
    expect(events.map(({ data, context }) => [data, context.event, context.source])).toEqual([
      [1, 'tick', 'primary'],
      [2, 'tick', 'primary'],
    ]);
    expect(registry.listeners('tick')).toEqual([]);
  });
});
