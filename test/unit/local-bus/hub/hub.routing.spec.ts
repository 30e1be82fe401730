import { describe, expect, it, jest } from '@jest/globals';
import { DeliveryRefused } from '../../../../lib/bus/bus.interface.js';
import {
  type Frame,
  Kind,
  kindOf,
  newFrame,
  setDeadline,
  setId,
  setSource,
  setTarget,
} from '../../../../lib/local-bus/wire/frame.js';
import { MemberLostError } from '../../../../lib/errors/errors.js';
import { failureOf } from '../../messenger/failure-of.js';
import { bytes, NO_PAYLOAD, quiet, TestCluster, text } from '../../bus/cluster.js';

const slots = (members: readonly { slot: number }[] | undefined) => members?.map(({ slot }) => slot);

describe('broadcast', () => {
  it('reaches every ready worker, the primary and the sender, in the order it was sent', async () => {
    const cluster = new TestCluster();
    const primary = await cluster.primary();
    const [a, b] = await cluster.workers(2);
    await a!.publish('e', '1');
    await a!.publish('e', '2');
    await primary.publish('e', '3');
    await quiet();
    const of = (who: string, peer: { publications: string[] }) => peer.publications.filter((p) => p.startsWith(who));
    for (const peer of [primary, a!, b!]) {
      expect(of('0:', peer)).toEqual(['0:e:1', '0:e:2']);
      expect(of('primary:', peer)).toEqual(['primary:e:3']);
    }
  });

  it('reaches its sender after publish returned, not within it', async () => {
    const [a] = await new TestCluster().workers(1);
    const taken = a!.publish('e');
    expect(a!.publications).toEqual([]);
    await taken;
    await quiet();
    expect(a!.publications).toHaveLength(1);
  });

  it('does not reach a worker that is attached and not ready, which may send already', async () => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1);
    const booting = await cluster.boot(1);
    await a!.publish('e', 'from a');
    await booting.publish('e', 'from booting');
    await quiet();
    expect(booting.publications).toEqual(['1:e:from booting']);
    expect(a!.publications).toEqual(expect.arrayContaining(['0:e:from a', '1:e:from booting']));
  });

  it('leaves out a suspect worker, which is counted and said at most every ten seconds, until it is heard again', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2);
    cluster.hub.suspect(b!.id, true);
    for (let i = 0; i < 5; i++) await a!.publish('e', `${i}`);
    await quiet();
    expect(b!.publications).toEqual([]);
    expect(cluster.hub.leftOut).toBe(5);
    expect(cluster.warnings).toEqual([expect.stringMatching(/^1 broadcast.*slot 1 .*heartbeat is overdue/)]);
    cluster.now += 10_000;
    await a!.publish('e', '5');
    await quiet();
    expect(cluster.warnings[1]).toMatch(/^5 broadcast/);
    cluster.hub.suspect(b!.id, false);
    await a!.publish('e', '6');
    await quiet();
    expect(b!.publications).toEqual(['0:e:6']);
  });

  it('is said to come from whom it came, whatever the sender wrote', async () => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1);
    const liar = cluster.stub(7);
    const frame = newFrame(Kind.PUBLISH, 'e', '', bytes('lie'));
    setSource(frame, a!.id, 0);
    liar.receive(frame);
    await quiet();
    expect(a!.publications).toEqual(['7:e:lie']);
  });
});

describe('request', () => {
  it('is answered by the member it was sent to', async () => {
    const cluster = new TestCluster();
    const primary = await cluster.primary();
    const [a, b] = await cluster.workers(2);
    b!.onRequesting = (request) => b!.bus.reply(request, 'ok', bytes(`${request.from} said ${text(request.payload)}`));
    primary.onRequesting = (request) => primary.bus.reply(request, 'no-handler', NO_PAYLOAD);
    const answer = await a!.request(b!, 'hello', 'hi');
    expect({ ...answer, payload: text(answer.payload) }).toEqual({ outcome: 'ok', payload: '0 said hi', slot: 1 });
    expect(await a!.request(primary, 'hello')).toMatchObject({ outcome: 'no-handler', slot: 'primary' });
    expect(text((await primary.request(b!, 'hello', 'x')).payload)).toBe('primary said x');
  });

  it('carries its event and deadline', async () => {
    const [a, b] = await new TestCluster().workers(2);
    void a!.ask(b!, 'grüße', NO_PAYLOAD, 1234.5);
    await quiet();
    expect(b!.requests[0]).toMatchObject({ event: 'grüße', deadline: 1234.5, from: 0, fromId: a!.id });
  });

  it("to oneself keeps its order with one's own broadcasts", async () => {
    const [a] = await new TestCluster().workers(1);
    const order: string[] = [];
    a!.onPublishing = ({ event }) => order.push(event);
    a!.onRequesting = (request) => {
      order.push(request.event);
      a!.bus.reply(request, 'ok', NO_PAYLOAD);
    };
    const answers = [a!.request(a!, '1'), a!.publish('2'), a!.request(a!, '3'), a!.publish('4')];
    await Promise.all(answers);
    await quiet();
    expect(order).toEqual(['1', '2', '3', '4']);
  });

  it('keeps its order with broadcasts to the same member', async () => {
    const [a, b] = await new TestCluster().workers(2);
    const order: string[] = [];
    b!.onPublishing = ({ event }) => order.push(event);
    b!.onRequesting = ({ event }) => order.push(event);
    void a!.publish('1');
    void a!.request(b!, '2');
    void a!.publish('3');
    await quiet();
    expect(order).toEqual(['1', '2', '3']);
  });

  it('pending at a member that dies rejects at once, after what that member had still sent', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2);
    const first = a!.request(b!, 'first');
    const second = a!.request(b!, 'second');
    await quiet();
    b!.bus.reply(b!.requests[0]!, 'ok', bytes('last words'));
    b!.die();
    expect(text((await first).payload)).toBe('last words');
    await expect(second).rejects.toThrow(MemberLostError);
    await expect(second).rejects.toMatchObject({ slot: 1 });
    expect(cluster.warnings).toEqual([expect.stringMatching(/lost slot 1/)]);
  });

  it('to several: the caller may stop waiting for one of them, and nobody answers for another', async () => {
    const [a, b, c] = await new TestCluster().workers(3);
    const signal: { cancel?: () => void } = {};
    const settled: string[] = [];
    const [first, second] = a!.requestEach([b!, c!], 'e', '', [signal]);
    void first!.then(() => settled.push('first'));
    void second!.then(({ payload }) => settled.push(text(payload)));
    await quiet();
    signal.cancel!();
    b!.bus.reply(b!.requests[0]!, 'ok', bytes('from b'));
    b!.bus.reply(b!.requests[0]!, 'ok', bytes('from b again'));
    await quiet();
    expect(settled).toEqual([]);
    c!.bus.reply(c!.requests[0]!, 'ok', bytes('from c'));
    c!.bus.reply(c!.requests[0]!, 'ok', bytes('from c again'));
    await quiet();
    expect(settled).toEqual(['from c']);
  });

  it('to several costs one frame from its sender', async () => {
    const cluster = new TestCluster();
    const [a, b, c] = await cluster.workers(3);
    const sent = jest.spyOn(a!.link, 'send');
    void Promise.all(a!.requestEach([a!, b!, c!], 'e', 'x'));
    await quiet();
    expect(sent.mock.calls.map(([frame]) => kindOf(frame))).toEqual([Kind.REQUEST_EACH]);
    for (const peer of [a!, b!, c!]) expect(peer.requests).toHaveLength(1);
  });

  it('to several is forgotten once all have answered, also where only its sender was asked', async () => {
    const [a, b, c] = await new TestCluster().workers(3);
    for (const peer of [a!, b!, c!]) peer.onRequesting = (request) => peer.bus.reply(request, 'ok', NO_PAYLOAD);
    await Promise.all([...a!.requestEach([a!], 'e'), ...a!.requestEach([a!, b!, c!], 'e'), ...a!.requestEach([], 'e')]);
    const { calls } = a!.bus as unknown as { readonly calls: { readonly calls: { readonly size: number } } };
    expect(calls.calls.size).toBe(0);
  });

  it('to several rejects for all of them when the bus is closed', async () => {
    const [a, b, c] = await new TestCluster().workers(3);
    const failures = a!.requestEach([a!, b!, c!], 'e').map((asked) => failureOf(asked));
    await quiet();
    await a!.bus.close();
    for (const failure of await Promise.all(failures))
      expect(failure).toMatchObject({ code: 'ERR_CLUSTER_NOT_CONNECTED' });
    for (const failure of await Promise.all(a!.requestEach([b!, c!], 'e').map((asked) => failureOf(asked))))
      expect(failure).toMatchObject({ code: 'ERR_CLUSTER_NOT_CONNECTED' });
  });

  it.each(['never was there', 'is gone', 'is not ready', 'leaves'])('to a member that %s is refused', async (how) => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1);
    const other = how === 'is not ready' ? await cluster.boot(1) : await cluster.worker(1);
    if (how === 'is gone') other.die();
    await quiet();
    if (how === 'leaves') cluster.hub.leaving(other.id);
    const answer = a!.request(how === 'never was there' ? 99 : other, 'e');
    await expect(answer).rejects.toThrow(DeliveryRefused);
    expect(other.requests).toEqual([]);
  });

  it('to a suspect member is delivered: it may come back before the deadline', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2);
    cluster.hub.suspect(b!.id, true);
    void a!.request(b!, 'e');
    await quiet();
    expect(b!.requests).toHaveLength(1);
  });

  it('cancelled by its caller never settles, and its late answer is ignored', async () => {
    const [a, b] = await new TestCluster().workers(2);
    const signal: { cancel?: () => void } = {};
    let settled = false;
    const mark = () => (settled = true);
    a!.ask(b!, 'e', NO_PAYLOAD, Infinity, signal).then(mark, mark);
    await quiet();
    signal.cancel!();
    b!.bus.reply(b!.requests[0]!, 'ok', NO_PAYLOAD);
    await quiet();
    expect(settled).toBe(false);
  });

  it('cannot be answered by a member it was not sent to', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2);
    const answer = a!.request(b!, 'e');
    await quiet();
    const liar = cluster.stub(7);
    const forged = newFrame(Kind.REPLY, '', '', bytes('forged'));
    setId(forged, b!.requests[0]!.id);
    setTarget(forged, a!.id);
    liar.receive(forged);
    await quiet();
    b!.bus.reply(b!.requests[0]!, 'ok', bytes('true'));
    expect(text((await answer).payload)).toBe('true');
  });
});

describe('membership', () => {
  it('is told to everybody when a worker becomes ready, suspect, leaves or dies', async () => {
    const cluster = new TestCluster();
    const primary = await cluster.primary();
    const b = await cluster.worker(1);
    const a = await cluster.worker(0);
    expect(slots(primary.bus.members)).toEqual([0, 1]);
    expect(slots(b.memberships.at(-1))).toEqual([0, 1]);
    cluster.hub.suspect(a.id, true);
    await quiet();
    expect(b.bus.members.map(({ suspect }) => suspect)).toEqual([true, false]);
    cluster.hub.leaving(a.id);
    await quiet();
    expect(slots(a.bus.members)).toEqual([1]);
    b.die();
    await quiet();
    expect(slots(primary.bus.members)).toEqual([]);
    expect(slots(cluster.hub.members)).toEqual([]);
  });

  it('is known to a worker when open() resolves', async () => {
    const cluster = new TestCluster();
    await cluster.workers(2);
    const late = await cluster.boot(2);
    expect(slots(late.bus.members)).toEqual([0, 1]);
  });

  it('refuses a second seat for a number, and the number of the primary', async () => {
    const cluster = new TestCluster();
    const a = await cluster.boot(0);
    const occupant = { slot: 1, generation: 0, pid: 1 };
    expect(() => cluster.hub.attach({ ...occupant, id: a.id }, a.link)).toThrow(/attached already/);
    expect(() => cluster.hub.attach({ ...occupant, id: 0 }, a.link)).toThrow(/attachPrimary/);
  });

  it("ignores the supervisor's word about a member that is gone", async () => {
    const cluster = new TestCluster();
    const a = await cluster.worker(0);
    a.die();
    await quiet();
    cluster.hub.ready(a.id);
    cluster.hub.suspect(a.id, true);
    cluster.hub.leaving(a.id);
    cluster.hub.detach(a.id);
    expect(cluster.hub.members).toEqual([]);
  });
});

describe('a worker that leaves', () => {
  it('gets what was sent before, then the fence, then nothing but answers', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2);
    const order: string[] = [];
    b!.onPublishing = ({ event }) => order.push(event);
    void b!.bus.drained.then(() => order.push('fence'));
    await a!.publish('before');
    await quiet();
    cluster.hub.leaving(b!.id);
    await a!.publish('after');
    await quiet();
    expect(order).toEqual(['before', 'fence']);
  });

  it('may still broadcast, call and answer', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2);
    a!.onRequesting = (request) => a!.bus.reply(request, 'ok', bytes('answer'));
    const pending = a!.request(b!, 'slow');
    await quiet();
    cluster.hub.leaving(b!.id);
    await b!.bus.drained;
    await b!.publish('bye');
    expect(text((await b!.request(a!, 'q')).payload)).toBe('answer');
    b!.bus.reply(b!.requests[0]!, 'ok', bytes('done'));
    expect(text((await pending).payload)).toBe('done');
    expect(a!.publications).toEqual(['1:bye:']);
  });

  it('refuses its requests to itself after the fence', async () => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1);
    cluster.hub.leaving(a!.id);
    await a!.bus.drained;
    await expect(a!.request(a!, 'e')).rejects.toThrow(DeliveryRefused);
  });

  it('is not warned about when it ends its link', async () => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1);
    cluster.hub.leaving(a!.id);
    await a!.bus.close();
    expect(cluster.warnings).toEqual([]);
  });
});

describe('a member that breaks the protocol', () => {
  it('by using the number of a call that waits is cut off', () => {
    const cluster = new TestCluster();
    const rogue = cluster.stub(7);
    for (const event of ['one', 'another']) {
      const frame = withDeadline(newFrame(Kind.TASK, event), Infinity);
      setId(frame, 5);
      rogue.receive(frame);
    }
    expect(rogue.aborted).toMatch(/used the number of a call that waits, 5/);
  });

  it.each<[string, Frame, RegExp]>([
    ['a frame only the hub sends', newFrame(Kind.GRANT), /it sent a frame of kind GRANT, which only the hub sends/],
    ['a broken list of events', newFrame(Kind.SERVE, '', '', bytes('{')), /list of events that cannot be read/],
    ['a task without a deadline', withDeadline(newFrame(Kind.TASK, 'e'), NaN), /a deadline that is no number/],
    ['a claim without a lifetime', withDeadline(newFrame(Kind.CLAIM, '', 'k'), NaN), /a lifetime that is no number/],
    [
      'a list of members with a remainder',
      newFrame(Kind.REQUEST_EACH, 'e', 'abcde'),
      /list of members that cannot be read/,
    ],
    ['a list of something else', newFrame(Kind.SERVE, '', '', bytes('[1]')), /list of events that cannot be read/],
    ['less than no room', newFrame(Kind.SERVE, '', '', bytes('[["job",-1]]')), /list of events that cannot be read/],
  ])('by %s is cut off; the others go on', async (_, frame, reason) => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2);
    const rogue = cluster.stub(7);
    rogue.receive(frame);
    expect(rogue.aborted).toMatch(reason);
    expect(cluster.warnings).toEqual([expect.stringMatching(reason)]);
    await a!.publish('e');
    await quiet();
    expect(b!.publications).toHaveLength(1);
    expect(slots(b!.bus.members)).toEqual([0, 1]);
  });
});

describe('hub.close', () => {
  it('delivers what is queued, then every member hears that the bus is gone, and nothing is warned about', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2);
    await a!.publish('last');
    await a!.bus.flush();
    cluster.hub.close();
    await quiet();
    expect(b!.publications).toEqual(['0:last:']);
    expect([a!.closed.length, b!.closed.length]).toEqual([1, 1]);
    expect(cluster.warnings).toEqual([]);
  });
});

it('relays the very bytes of a frame, whatever its payload is', () => {
  const cluster = new TestCluster();
  const [from, to] = [cluster.stub(0), cluster.stub(1)];
  const frame = newFrame(Kind.PUBLISH, 'e', '', Buffer.alloc(1000, 0xc1));
  from.receive(frame);
  expect(to.sent.filter((each) => kindOf(each) === Kind.PUBLISH)).toEqual([frame]);
  expect(to.sent).toContain(frame);
});

function withDeadline(frame: Frame, deadline: number): Frame {
  setDeadline(frame, deadline);
  return frame;
}
