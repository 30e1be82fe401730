import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Kind,
  maxFrameOf,
  newFrame,
  payloadOf,
  setId,
  idOf,
  type Frame,
} from '../../../../lib/local-bus/wire/frame.js';
import { Hub } from '../../../../lib/local-bus/hub/hub.js';
import { LocalBus } from '../../../../lib/local-bus/local-bus.js';
import { SocketLink } from '../../../../lib/local-bus/wire/socket-link.js';
import { MemberLostError, NotConnectedError, PayloadTooLargeError } from '../../../../lib/errors/errors.js';
import { bytes, NO_PAYLOAD, Peer, streamOf, text, viewOf } from '../../bus/cluster.js';

const MAX_PAYLOAD = 1024 * 1024;
const QUEUE_LIMIT = 8 * MAX_PAYLOAD;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** The two ends of a Unix socket. */
async function socketPair(): Promise<[Socket, Socket]> {
  const folder = mkdtempSync(join(tmpdir(), 'bus-'));
  const server: Server = createServer({ pauseOnConnect: true });
  server.listen(join(folder, 's'));
  await once(server, 'listening');
  const client = connect(join(folder, 's'));
  const [accepted] = (await once(server, 'connection')) as [Socket];
  server.close();
  rmSync(folder, { recursive: true });
  cleanups.push(() => [client.destroy(), accepted.destroy()]);
  accepted.resume();
  return [accepted, client];
}

/** An end of a link that remembers, and can be waited for. */
function listen(link: SocketLink) {
  const frames: Frame[] = [];
  let onFrames: { count: number; resolve: () => void } | undefined;
  let onClosed!: (reason: string) => void;
  const whenClosed = new Promise<string>((resolve) => (onClosed = resolve));
  let drains = 0;
  link.attach({
    onFrame: (frame) => {
      frames.push(frame);
      if (onFrames !== undefined && frames.length >= onFrames.count) onFrames.resolve();
    },
    onDrain: () => drains++,
    onClose: onClosed,
  });
  return {
    frames,
    whenClosed,
    drains: () => drains,
    received: (count: number) =>
      new Promise<void>((resolve) => {
        onFrames = { count, resolve };
        if (frames.length >= count) resolve();
      }),
  };
}

const frame = (id: number, size: number) => {
  const made = newFrame(Kind.PUBLISH, 'e', '', Buffer.alloc(size, id));
  setId(made, id);
  return made;
};

describe('frames that may wait', () => {
  /** A link that has just written, for it stands still in time. */
  async function busyLink(flushTime: 'tick' | 'turn' = 'tick') {
    const [here, there] = await socketPair();
    const link = new SocketLink(here, maxFrameOf(MAX_PAYLOAD), flushTime);
    listen(link);
    const other = listen(new SocketLink(there, maxFrameOf(MAX_PAYLOAD)));
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    cleanups.push(() => clock.mockRestore());
    link.send(frame(1, 10), true);
    await afterTick();
    return { link, other, clock };
  }
  const afterTick = () => new Promise<void>((resolve) => process.nextTick(resolve));
  const held = async (link: SocketLink) => {
    await afterTick();
    return link.queued;
  };

  it('leave at once where nothing left just before', async () => {
    const { link, clock } = await busyLink();
    expect(link.queued).toBe(0);
    clock.mockReturnValue(1_001);
    link.send(frame(2, 10), true);
    expect(await held(link)).toBe(0);
  });

  it('leave together soon after another one, and in order', async () => {
    const { link, other } = await busyLink();
    for (const id of [2, 3, 4]) link.send(frame(id, 10), true);
    expect(await held(link)).toBe(3 * frame(2, 10).length);
    await other.received(4);
    expect(other.frames.map(idOf)).toEqual([1, 2, 3, 4]);
    expect(link.queued).toBe(0);
  });

  it('leave with the next one that may not, and before it', async () => {
    const { link, other } = await busyLink();
    link.send(frame(2, 10), true);
    link.send(frame(3, 10));
    expect(await held(link)).toBe(0);
    await other.received(3);
    expect(other.frames.map(idOf)).toEqual([1, 2, 3]);
  });

  it('do not wait where they are many bytes, and not in the primary', async () => {
    const { link } = await busyLink();
    link.send(frame(2, 8 * 1024), true);
    expect(await held(link)).toBe(0);
    const primary = await busyLink('turn');
    primary.link.send(frame(2, 10), true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(primary.link.queued).toBe(0);
  });

  it.each(['flush', 'close'] as const)('leave when the link is to %s', async (method) => {
    const { link, other } = await busyLink();
    link.send(frame(2, 10), true);
    await link[method]();
    await other.received(2);
    expect(other.frames.map(idOf)).toEqual([1, 2]);
  });
});

describe('SocketLink', () => {
  it('carries frames of any size, in order', async () => {
    const [here, there] = await socketPair();
    const link = new SocketLink(here, maxFrameOf(MAX_PAYLOAD), 'turn');
    const other = listen(new SocketLink(there, maxFrameOf(MAX_PAYLOAD)));
    listen(link);
    const sizes = Array.from({ length: 500 }, (_, i) => (i % 100 === 7 ? MAX_PAYLOAD : (i * 7919) % 9000));
    sizes.forEach((size, i) => link.send(frame(i, size)));
    await other.received(sizes.length);
    expect(other.frames.map(idOf)).toEqual(sizes.map((_, i) => i));
    expect(other.frames.map((each) => payloadOf(each).length)).toEqual(sizes);
    expect(other.frames.every((each) => viewOf(payloadOf(each)).every((byte) => byte === (idOf(each) & 0xff)))).toBe(
      true,
    );
  });

  it('counts what the kernel has not taken, says when that falls, and flush waits for none', async () => {
    const [here, there] = await socketPair();
    there.pause();
    const link = new SocketLink(here, maxFrameOf(MAX_PAYLOAD));
    const mine = listen(link);
    for (let i = 0; i < 20; i++) link.send(frame(i, 500_000));
    expect(link.queued).toBeGreaterThan(20 * 500_000);
    let flushed = false;
    const flush = link.flush().then(() => (flushed = true));
    const other = listen(new SocketLink(there, maxFrameOf(MAX_PAYLOAD)));
    expect(flushed).toBe(false);
    await other.received(20);
    await flush;
    expect(link.queued).toBe(0);
    expect(mine.drains()).toBeGreaterThan(0);
  });

  it('writes a loop turn of frames in one go', async () => {
    const [here, there] = await socketPair();
    const link = new SocketLink(here, maxFrameOf(MAX_PAYLOAD));
    const other = listen(new SocketLink(there, maxFrameOf(MAX_PAYLOAD)));
    const { drains } = listen(link);
    for (let i = 0; i < 100; i++) link.send(frame(i, 100));
    await other.received(100);
    expect(drains()).toBe(1);
  });

  it('delivers everything queued before it closes, at both ends', async () => {
    const [here, there] = await socketPair();
    const link = new SocketLink(here, maxFrameOf(MAX_PAYLOAD));
    const mine = listen(link);
    const otherLink = new SocketLink(there, maxFrameOf(MAX_PAYLOAD));
    const other = listen(otherLink);
    for (let i = 0; i < 10; i++) {
      link.send(frame(i, 300_000));
      otherLink.send(frame(i, 300_000));
    }
    link.close();
    link.send(frame(99, 1));
    await Promise.all([mine.whenClosed, other.whenClosed]);
    expect(other.frames).toHaveLength(10);
    expect(mine.frames).toHaveLength(10);
  });

  it('cuts the connection at bytes that are no frames, saying why, and reads nothing more', async () => {
    const [here, there] = await socketPair();
    const end = listen(new SocketLink(here, maxFrameOf(1000)));
    there.write(viewOf(frame(1, 10)));
    there.write(Buffer.alloc(100, 0xee));
    there.write(viewOf(frame(2, 10)));
    expect(await end.whenClosed).toMatch(/^it sent a frame of \d+ bytes, over the limit/);
    expect(end.frames).toHaveLength(1);
    await once(there, 'close');
  });

  it('reads what a process had sent before it died, though writing to it fails first', async () => {
    const [here, there] = await socketPair();
    const link = new SocketLink(here, maxFrameOf(MAX_PAYLOAD));
    // What its last words are written to the kernel for is never read by this side's event loop before the write.
    here.pause();
    const last = [frame(1, 10), frame(2, 5000), frame(3, 60_000)];
    await new Promise<void>((resolve) => there.write(streamOf(last), () => resolve()));
    there.destroy();
    await once(there, 'close');
    const end = listen(link);
    here.pause();
    link.send(frame(9, 10));
    link.write();
    expect(await end.whenClosed).toMatch(/EPIPE|ECONNRESET/);
    expect(end.frames.map(idOf)).toEqual([1, 2, 3]);
  });

  it('reads on in order where a write fails in the middle of a chunk', async () => {
    const [here, there] = await socketPair();
    const link = new SocketLink(here, maxFrameOf(MAX_PAYLOAD));
    here.pause();
    const last = Array.from({ length: 400 }, (_, i) => frame(i, 300));
    await new Promise<void>((resolve) => there.write(streamOf(last), () => resolve()));
    there.destroy();
    await once(there, 'close');
    const read: number[] = [];
    const reason = await new Promise<string>((resolve) => {
      link.attach({
        onFrame: (each) => {
          if (read.push(idOf(each)) !== 3) return;
          link.send(frame(9, 10));
          void link.flush();
        },
        onDrain: () => undefined,
        onClose: resolve,
      });
    });
    expect(read).toEqual(last.map((_, i) => i));
    expect(reason).toMatch(/EPIPE|ECONNRESET/);
  });

  it('does nothing any more once it is aborted, and says so once', async () => {
    const [here] = await socketPair();
    const link = new SocketLink(here, maxFrameOf(1000));
    const end = listen(link);
    link.abort('enough');
    link.abort('again');
    link.send(frame(1, 1));
    await link.flush();
    expect(await end.whenClosed).toBe('enough');
    expect(link.queued).toBe(0);
  });
});

describe('LocalBus over a socket', () => {
  async function cluster(slots: number) {
    const warnings: string[] = [];
    const hub = new Hub({ queueLimit: QUEUE_LIMIT, warn: (message) => warnings.push(message) });
    const peers: Peer[] = [];
    const sockets: Socket[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const [here, there] = await socketPair();
      const id = slot + 1;
      hub.attach({ id, slot, generation: 0, pid: id }, new SocketLink(here, maxFrameOf(MAX_PAYLOAD), 'turn'));
      const link = new SocketLink(there, maxFrameOf(MAX_PAYLOAD));
      const bus = new LocalBus(
        link,
        { id, address: slot, generation: 0 },
        { maxPayload: MAX_PAYLOAD, queueLimit: QUEUE_LIMIT },
      );
      const peer = new Peer(bus, link);
      await bus.open(peer);
      bus.serve([{ event: 'job' }]);
      hub.ready(id);
      peers.push(peer);
      sockets.push(there);
    }
    return { hub, peers: peers as [Peer, Peer], sockets, warnings };
  }

  const seen = (peer: Peer, count: number) =>
    new Promise<void>((resolve) => {
      peer.onPublishing = () => {
        if (peer.publications.length === count) resolve();
      };
    });

  it('carries broadcasts, requests and tasks', async () => {
    const { peers } = await cluster(2);
    const [a, b] = peers;
    const heard = seen(b, 1);
    await a.publish('e', 'hello');
    await heard;
    expect(b.publications).toEqual(['0:e:hello']);
    b.onRequesting = (request) => b.bus.reply(request, 'ok', viewOf(request.payload));
    expect(text((await a.request(b, 'echo', 'x'.repeat(500_000))).payload)).toHaveLength(500_000);
    a.runsEverything();
    b.runsEverything();
    const answers = await Promise.all(Array.from({ length: 100 }, () => a.enqueue('job')));
    expect(new Set(answers.map(({ slot }) => slot))).toEqual(new Set([0, 1]));
  });

  it('holds a firehose back: every broadcast arrives, in order, with bounded queues', async () => {
    const { hub, peers } = await cluster(2);
    const [a, b] = peers;
    const total = 3000;
    const heard = seen(b, total);
    const payload = Buffer.alloc(20_000);
    let highest = 0;
    for (let i = 0; i < total; i++) {
      payload.writeUInt32LE(i);
      await a.bus.publish(`${i}`, Buffer.from(payload));
      highest = Math.max(highest, a.link.queued);
    }
    await heard;
    expect(b.publications.map((each) => each.split(':')[1])).toEqual(Array.from({ length: total }, (_, i) => `${i}`));
    expect(highest).toBeLessThan(2 * 1024 * 1024);
    expect(hub.dropped).toBe(0);
  });

  it('rejects what waits for a process that dies, and hands its tasks to another', async () => {
    const { peers, sockets, warnings } = await cluster(2);
    const [a, b] = peers;
    const pending = a.request(b, 'never answered');
    const tasks = Promise.all([a.enqueue('job'), a.enqueue('job')]);
    const bothRun = new Promise<void>((resolve) => {
      b.onTasking = () => resolve();
    });
    a.runsEverything();
    await bothRun;
    sockets[1]!.destroy();
    await expect(pending).rejects.toThrow(MemberLostError);
    expect((await tasks).map(({ slot }) => slot)).toEqual([0, 0]);
    expect(warnings.at(-1)).toMatch(/lost slot 1/);
    expect(warnings.at(-2)).toMatch(/^\d task\(s\) that slot 1 .* run again elsewhere\.$/);
  });

  it('tells its owner when the hub is gone, rejects what is pending and every call after it', async () => {
    const { hub, peers } = await cluster(2);
    const [a, b] = peers;
    const pending = [a.request(b, 'e'), a.enqueue('job'), a.claim('k', 1)];
    const heldClaim = await pending[2];
    expect(heldClaim).toMatchObject({ granted: true });
    const closed = new Promise<string>((resolve) => {
      a.onClosed = resolve;
    });
    hub.detach(a.id);
    expect(await closed).toMatch(/closed/);
    await expect(pending[0]).rejects.toThrow(NotConnectedError);
    await expect(pending[1]).rejects.toThrow(NotConnectedError);
    for (const call of [a.publish('e'), a.request(b, 'e'), a.enqueue('job'), a.claim('k', 1)]) {
      await expect(call).rejects.toThrow(NotConnectedError);
    }
    await a.bus.drained;
    await a.bus.flush();
    await a.bus.close();
    a.bus.reply({ id: 1, fromId: 2, event: 'e', payload: NO_PAYLOAD, from: 1, deadline: 0 }, 'ok', NO_PAYLOAD);
  });

  it('close() sends what is queued first, and does not count as an accident for its owner', async () => {
    const { peers } = await cluster(2);
    const [a, b] = peers;
    const heard = seen(b, 50);
    for (let i = 0; i < 50; i++) void a.publish('e', 'x'.repeat(10_000));
    await a.bus.close();
    await heard;
    expect(b.publications).toHaveLength(50);
    expect(a.closed).toEqual([]);
  });

  it('refuses a payload over the limit in calls and answers, and stays connected', async () => {
    const { peers } = await cluster(2);
    const [a, b] = peers;
    const large = Buffer.alloc(MAX_PAYLOAD + 1);
    await expect(a.bus.publish('e', large)).rejects.toThrow(PayloadTooLargeError);
    await expect(a.ask(b, 'e', large, 0)).rejects.toThrow(PayloadTooLargeError);
    const answer = a.request(b, 'e');
    const asked = new Promise<void>((resolve) => {
      b.onRequesting = () => resolve();
    });
    await asked;
    expect(() => b.bus.reply(b.requests[0]!, 'ok', large)).toThrow(PayloadTooLargeError);
    b.bus.reply(b.requests[0]!, 'ok', bytes('small'));
    expect(text((await answer).payload)).toBe('small');
  });

  it('rejects a call with too long an event name without harm', async () => {
    const { peers } = await cluster(2);
    const [a, b] = peers;
    const name = 'e'.repeat(70_000);
    await expect(a.publish(name)).rejects.toThrow(/70000 bytes long/);
    await expect(a.request(b, name)).rejects.toThrow(/70000 bytes long/);
    await expect(a.enqueue('job', { key: name })).rejects.toThrow(/70000 bytes long/);
    await expect(a.claim(name, 1)).rejects.toThrow(/70000 bytes long/);
    b.onRequesting = (request) => b.bus.reply(request, 'ok', NO_PAYLOAD);
    expect((await a.request(b, 'e')).outcome).toBe('ok');
  });
});
