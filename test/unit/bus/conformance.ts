import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Cancellable } from '../../../lib/bus/bus.interface.js';
import { failureOf } from '../messenger/failure-of.js';
import { bytes, type Peer, text } from './cluster.js';

/** Workers of one cluster on the bus under test. */
export interface Bench {
  /** A ready worker that serves these events. */
  worker(slot: number, serves?: string[]): Promise<Peer>;
  /** Ends it as if its process had died, and lets the others hear of it. */
  die(peer: Peer): Promise<void>;
  /** Lets everything happen that needs no more than a moment. */
  settle(): Promise<void>;
  /** Lets so much time pass that nobody's lease is left. */
  outlast(): Promise<void>;
}

/** What the messenger relies on in a bus, whichever it is. */
export function busConformance(makeBench: () => Bench): void {
  let bench: Bench;
  beforeEach(() => {
    bench = makeBench();
  });
  const pair = async (serves: string[] = []) => [await bench.worker(0, serves), await bench.worker(1, serves)] as const;

  it('every ready worker is a member for every other', async () => {
    const [one, two] = await pair();
    for (const { bus } of [one, two]) expect(bus.members.map(({ slot }) => slot)).toEqual([0, 1]);
  });

  it('a broadcast reaches every worker, its sender too, in order', async () => {
    const [one, two] = await pair();
    await Promise.all(['1', '2', '3'].map((n) => one.publish('e', n)));
    await bench.settle();
    for (const peer of [one, two]) expect(peer.publications).toEqual(['0:e:1', '0:e:2', '0:e:3']);
  });

  it('a request and a broadcast of one sender arrive in the order they were sent', async () => {
    const [one, two] = await pair();
    const order: string[] = [];
    two.onPublishing = ({ event }) => order.push(event);
    two.onRequesting = ({ event }) => order.push(event);
    for (let n = 0; n < 10; n += 2) {
      void one.publish(`${n}`);
      void one.request(two, `${n + 1}`);
    }
    await bench.settle();
    expect(order).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
  });

  describe('a request', () => {
    it('is answered by whom it was sent to, also where that is its sender', async () => {
      const [one, two] = await pair();
      for (const peer of [one, two])
        peer.onRequesting = (request) => peer.bus.reply(request, 'ok', bytes(`by ${peer.id}`));
      for (const peer of [one, two]) {
        const asked = one.request(peer, 'e');
        await bench.settle();
        const { outcome, payload, slot } = await asked;
        expect([outcome, text(payload), slot]).toEqual(['ok', `by ${peer.id}`, peer.bus.self.address]);
      }
    });

    it('to a member that dies with it rejects at once', async () => {
      const [one, two] = await pair();
      const asked = one.request(two, 'e');
      const failed = failureOf(asked);
      await bench.settle();
      expect(two.requests).toHaveLength(1);
      await bench.die(two);
      expect(await failed).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST', slot: 1 });
      expect(one.bus.members.map(({ slot }) => slot)).toEqual([0]);
    });

    it('to a member that is gone is refused: it surely did not run', async () => {
      const [one, two] = await pair();
      await bench.die(two);
      const refused = failureOf(one.request(two, 'e'));
      await bench.settle();
      expect(await refused).toMatchObject({ name: 'DeliveryRefused' });
    });

    it('to several members, its sender too, is answered by each for itself', async () => {
      const [one, two] = await pair();
      const three = await bench.worker(2);
      const asked = [three, one, two];
      for (const peer of asked)
        peer.onRequesting = (request) => peer.bus.reply(request, 'ok', bytes(`${text(request.payload)} ${peer.id}`));
      const answers = one.requestEach(asked, 'e', 'by');
      await bench.settle();
      expect((await Promise.all(answers)).map(({ payload, slot }) => [text(payload), slot])).toEqual(
        asked.map((peer) => [`by ${peer.id}`, peer.bus.self.address]),
      );
    });

    it('to several of whom one dies with it and one was gone before: each fails for itself', async () => {
      const [one, two] = await pair();
      const [three, gone] = [await bench.worker(2), await bench.worker(3)];
      await bench.die(gone);
      three.onRequesting = (request) => three.bus.reply(request, 'ok', bytes('by three'));
      const [lost, answered, refused] = one.requestEach([two, three, gone], 'e');
      const failures = [failureOf(lost!), failureOf(refused!)];
      await bench.settle();
      expect(text((await answered!).payload)).toBe('by three');
      expect(two.requests).toHaveLength(1);
      await bench.die(two);
      expect(await failures[0]).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST', slot: 1 });
      expect(await failures[1]).toMatchObject({ name: 'DeliveryRefused' });
    });

    it('to several, and broadcasts of one sender, arrive in the order they were sent', async () => {
      const [one, two] = await pair();
      const three = await bench.worker(2);
      const orders = [two, three].map((peer) => {
        const order: string[] = [];
        const note = ({ event }: { readonly event: string }) => void order.push(event);
        [peer.onPublishing, peer.onRequesting] = [note, note];
        return order;
      });
      for (let n = 0; n < 9; n += 3) {
        void one.publish(`${n}`);
        void Promise.all(one.requestEach([one, two, three], `${n + 1}`));
        void one.request(two, `${n + 2}`);
        void one.request(three, `${n + 2}`);
      }
      await bench.settle();
      for (const order of orders) expect(order).toEqual(Array.from({ length: 9 }, (_, n) => `${n}`));
    });
  });

  describe('a task', () => {
    it('is run by one worker, and its result goes to the caller', async () => {
      const [one, two] = await pair(['e']);
      for (const peer of [one, two]) peer.runsEverything();
      const asked = Array.from({ length: 10 }, () => one.enqueue('e'));
      await bench.settle();
      for (const { outcome, payload, slot } of await Promise.all(asked)) {
        expect([outcome, text(payload)]).toEqual(['ok', `by ${slot}`]);
      }
      expect(one.tasks.length + two.tasks.length).toBe(10);
    });

    it('of an event that no worker serves is refused at once', async () => {
      const [one] = await pair(['other']);
      const asked = one.enqueue('e');
      await bench.settle();
      expect((await asked).outcome).toBe('no-handler');
    });

    it('waits for a worker that serves it', async () => {
      const caller = await bench.worker(0, ['other']);
      const asked = caller.enqueue('other');
      await bench.settle();
      caller.settle();
      await bench.settle();
      expect((await asked).outcome).toBe('ok');
    });

    it('asked for by many with one key is run once, and its result is kept for those who come later', async () => {
      const [one, two] = await pair(['e']);
      const early = [one, two, one, two].map((peer) => peer.enqueue('e', { key: 'k' }));
      await bench.settle();
      const runner = [one, two].find(({ tasks }) => tasks.length > 0);
      runner!.settle('ok', 'the result');
      await bench.settle();
      const late = two.enqueue('e', { key: 'k' });
      await bench.settle();
      for (const { payload } of await Promise.all([...early, late])) expect(text(payload)).toBe('the result');
      expect(one.tasks.length + two.tasks.length).toBe(1);
    });

    it('whose handler throws is run again as long as attempts are left', async () => {
      const caller = await bench.worker(0);
      const runner = await bench.worker(1, ['e']);
      runner.onTasking = (task) => runner.settle(task.attempt < 3 ? 'error' : 'ok', 'word', task);
      const [enough, tooFew] = [caller.enqueue('e', { attempts: 3 }), caller.enqueue('e', { attempts: 2 })];
      await bench.settle();
      expect([(await enough).outcome, (await tooFew).outcome]).toEqual(['ok', 'error']);
      expect(runner.tasks.map(({ attempt }) => attempt).toSorted((a, b) => a - b)).toEqual([1, 1, 2, 2, 3]);
    });

    it('whose worker dies is run by another, with a higher attempt', async () => {
      const [one, two] = await pair(['e']);
      const caller = await bench.worker(2);
      const asked = caller.enqueue('e');
      await bench.settle();
      const [dying, other] = one.tasks.length > 0 ? [one, two] : [two, one];
      await bench.die(dying);
      await bench.outlast();
      expect(other.tasks.map(({ attempt }) => attempt)).toEqual([2]);
      other.settle('ok', 'at last');
      await bench.settle();
      expect(text((await asked).payload)).toBe('at last');
    });

    it('whose workers all die is lost after its redeliveries', async () => {
      const workers = [await bench.worker(0, ['e']), await bench.worker(1, ['e']), await bench.worker(2, ['e'])];
      const caller = await bench.worker(3);
      const asked = caller.enqueue('e', { redeliveries: 1 });
      for (let death = 0; death < 2; death++) {
        await bench.settle();
        await bench.die(
          workers.splice(
            workers.findIndex(({ tasks }) => tasks.length > 0),
            1,
          )[0]!,
        );
        await bench.outlast();
      }
      expect((await asked).outcome).toBe('lost');
      expect(workers[0]!.tasks).toEqual([]);
    });

    it('that its caller gives up is told to whoever runs it, and what it says afterwards is dropped', async () => {
      const [one] = await pair();
      const runner = await bench.worker(2, ['e']);
      const call: Cancellable = {};
      void one.enqueue('e', {}, call);
      await bench.settle();
      call.cancel!();
      await bench.settle();
      expect(runner.abandoned).toEqual([runner.tasks[0]!.id]);
      runner.settle();
      await bench.settle();
      expect(runner.tasks).toHaveLength(1);
    });

    it('says how far it has come, in order, before its result', async () => {
      const [one] = await pair();
      const runner = await bench.worker(2, ['e']);
      const said: string[] = [];
      const asked = one.enqueue('e', { onProgress: (word) => said.push(text(word)) });
      await bench.settle();
      for (const word of ['1', '2']) await runner.bus.progress(runner.tasks[0]!, bytes(word));
      runner.settle();
      await bench.settle();
      await asked;
      expect(said).toEqual(['1', '2']);
    });
  });

  describe('a claim', () => {
    it('has one holder; the others get its answer, also those that come later', async () => {
      const [one, two] = await pair();
      const claims = [one, two, two].map((peer) => peer.claim('k').then((claim) => ({ peer, claim })));
      await bench.outlast();
      const holder = await Promise.any(claims);
      expect(holder.claim.granted).toBe(true);
      holder.peer.bus.conclude('k', 'ok', bytes('the answer'));
      await bench.outlast();
      const others = (await Promise.all(claims)).filter(({ claim }) => !claim.granted);
      const late = two.claim('k');
      await bench.outlast();
      for (const claim of [...others.map((other) => other.claim), await late]) {
        expect(claim).toMatchObject({ granted: false, answer: { outcome: 'ok' } });
      }
      expect(others).toHaveLength(2);
    });

    it('that failed is not kept: the next one is granted, with a higher term', async () => {
      const [one, two] = await pair();
      const first = one.claim('k');
      await bench.outlast();
      expect(await first).toMatchObject({ granted: true });
      one.bus.conclude('k', 'error', bytes('no'));
      await bench.settle();
      const second = two.claim('k');
      await bench.outlast();
      const [a, b] = [await first, await second];
      expect(b).toMatchObject({ granted: true });
      expect(a.granted && b.granted && b.term > a.term).toBe(true);
    });

    it('whose holder dies is granted to another', async () => {
      const [one, two] = await pair();
      const first = one.claim('k');
      await bench.outlast();
      expect((await first).granted).toBe(true);
      const second = two.claim('k');
      await bench.settle();
      await bench.die(one);
      await bench.outlast();
      expect((await second).granted).toBe(true);
    });
  });
}
