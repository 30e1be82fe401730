import { describe, expect, it } from '@jest/globals';
import { fc } from '../../../support/fast-check.js';
import { isNativeError } from 'node:util/types';
import { decode, encode } from '../../../../lib/codec/codec.js';
import {
  HEADER,
  Kind,
  kindOf,
  newFrame,
  setAttempts,
  setDeadline,
  setId,
  setOutcome,
  setRedeliveries,
  setTarget,
  setTerm,
  type Frame,
} from '../../../../lib/local-bus/wire/frame.js';
import { FrameReader } from '../../../../lib/local-bus/wire/frame-reader.js';
import type { Outcome } from '../../../../lib/bus/bus.interface.js';
import { bytes, quiet, streamOf, type StubLink, TestCluster, text, viewOf } from '../../bus/cluster.js';

const MAX_FRAME = 4096;
const KINDS = Object.values(Kind);
const OUTCOMES: Outcome[] = ['ok', 'error', 'no-handler', 'expired', 'lost', 'stopping'];

const anyBytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

/** Numbers that mean something to somebody, and some that do not. */
const anyId = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 6 }) },
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
);
const anyDeadline = fc.constantFrom(NaN, -Infinity, Infinity, -1, 0, 1_000_000, 1_000_010, Number.MAX_VALUE);
const anyName = fc.oneof(fc.constantFrom('', 'e', 'served', '__proto__'), fc.string({ maxLength: 12 }));

/** A frame that is one by its form; what it says may be nonsense. */
const anyFrame: fc.Arbitrary<Frame> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    event: anyName,
    key: anyName,
    payload: fc.oneof(
      anyBytes(64),
      fc.constantFrom(bytes('[["served",null]]'), bytes('[["served",-1]]'), bytes('{"a":'), bytes('null')),
    ),
    id: anyId,
    target: anyId,
    term: anyId,
    deadline: anyDeadline,
    attempts: fc.nat(0xffff),
    redeliveries: fc.nat(0xffff),
    outcome: fc.constantFrom(...OUTCOMES),
    odd: fc.option(fc.integer({ min: 0, max: 255 })),
  })
  .map(({ kind, event, key, payload, odd, ...fields }) => {
    const frame = newFrame(kind, event, key, payload);
    setId(frame, fields.id);
    setTarget(frame, fields.target);
    setTerm(frame, fields.term);
    setDeadline(frame, fields.deadline);
    setAttempts(frame, fields.attempts);
    setRedeliveries(frame, fields.redeliveries);
    setOutcome(frame, fields.outcome);
    if (odd !== null) viewOf(frame)[5] = odd;
    return frame;
  });

describe('a reader that is fed what is no stream of frames', () => {
  const readAll = (chunks: Buffer[]) => {
    const frames: Frame[] = [];
    const errors: string[] = [];
    const reader = new FrameReader(
      MAX_FRAME,
      (frame) => {
        expect(errors).toEqual([]);
        frames.push(frame);
      },
      (reason) => errors.push(reason),
    );
    for (const chunk of chunks) reader.push(chunk);
    return { frames, errors };
  };

  it('stops at the first thing that is no frame, says why once, and takes nothing over the limit', () => {
    fc.assert(
      fc.property(fc.array(anyBytes(200), { maxLength: 20 }), (chunks) => {
        const { frames, errors } = readAll(chunks);
        expect(errors.length).toBeLessThanOrEqual(1);
        for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(MAX_FRAME);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads what came before the garbage, wherever the chunks are cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 8 }),
        anyBytes(100),
        fc.integer({ min: 1, max: 50 }),
        (good, garbage, cut) => {
          const stream = streamOf([...good, garbage]);
          const chunks: Buffer[] = [];
          for (let at = 0; at < stream.length; at += cut) chunks.push(stream.subarray(at, at + cut));
          const { frames } = readAll(chunks);
          expect(streamOf(frames.slice(0, good.length)).equals(streamOf(good))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a length over the limit', 0xffff_fffb],
    ['a length below a header', HEADER - 5],
  ])('%s is refused before memory is taken for it', (_, length) => {
    const header = Buffer.alloc(HEADER);
    header.writeUInt32LE(length, 0);
    header[4] = Kind.PUBLISH;
    expect(readAll([header]).errors).toHaveLength(1);
  });
});

describe('a hub whose members send nonsense', () => {
  type Step =
    | { readonly do: 'send'; readonly from: number; readonly frame: Frame }
    | { readonly do: 'suspect' | 'leave' | 'lose'; readonly who: number }
    | { readonly do: 'wait'; readonly ms: number };
  const anyRogue = fc.integer({ min: 0, max: 2 });
  const anyStep: fc.Arbitrary<Step> = fc.oneof(
    { weight: 20, arbitrary: fc.record({ do: fc.constant('send' as const), from: anyRogue, frame: anyFrame }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('suspect', 'leave', 'lose'), who: anyRogue }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20 }) }) },
  );

  it('does not fail, serves the others as before, and forgets what the rogues wanted once they are gone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 60 }), async (steps) => {
        const cluster = new TestCluster();
        const [a, b] = await cluster.workers(2, ['honest']);
        a!.runsEverything();
        b!.runsEverything();
        const rogues = [2, 3, 4].map((slot) => cluster.stub(slot));
        for (const step of steps) {
          if (step.do === 'wait') {
            cluster.now += step.ms;
            continue;
          }
          const rogue = rogues[step.do === 'send' ? step.from : step.who]!;
          if (rogue.aborted !== undefined) continue;
          if (step.do === 'send') rogue.receive(step.frame);
          else if (step.do === 'suspect') cluster.hub.suspect(rogue.id, true);
          else if (step.do === 'leave') cluster.hub.leaving(rogue.id);
          else rogue.abort('gone');
        }
        for (const rogue of rogues) rogue.abort('gone');
        await quiet();
        expect(a!.closed.concat(b!.closed)).toEqual([]);
        let answer = '';
        void a!.request(b!, 'question').then(({ payload }) => (answer = text(payload)));
        await quiet();
        b!.bus.reply(b!.requests.at(-1)!, 'ok', bytes('answer'));
        await quiet();
        expect(answer).toBe('answer');
        void a!.enqueue('honest').then(({ payload }) => (answer = text(payload)));
        await quiet();
        expect(answer).toMatch(/^by /);
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  it.each<[string, (rogue: StubLink, n: number) => void]>([
    ['tasks that nobody runs', (rogue, n) => rogue.receive(task(n, `event ${n}`, ''))],
    ['calls that share one task', (rogue, n) => rogue.receive(task(n, 'honest', 'same'))],
    [
      'claims',
      (rogue, n) => {
        const frame = newFrame(Kind.CLAIM, '', `key ${n}`);
        setId(frame, n);
        setDeadline(frame, Infinity);
        rogue.receive(frame);
      },
    ],
    [
      'claims on one key',
      (rogue, n) => {
        const frame = newFrame(Kind.CLAIM, '', 'key');
        setId(frame, n);
        setDeadline(frame, Infinity);
        rogue.receive(frame);
      },
    ],
  ])('bounds what it keeps of a flood of %s', async (_, flood) => {
    const cluster = new TestCluster();
    await cluster.worker(0, ['honest']);
    const rogue = cluster.stub(7);
    for (let n = 1; n <= 20_000 && rogue.aborted === undefined; n += 1) flood(rogue, n);
    const refused = rogue.sent.filter((frame) => kindOf(frame) === Kind.OVERFLOW);
    expect(rogue.aborted !== undefined || refused.length > 5_000).toBe(true);
  });

  const task = (id: number, event: string, key: string): Frame => {
    const frame = newFrame(Kind.TASK, event, key);
    setId(frame, id);
    setDeadline(frame, Infinity);
    setAttempts(frame, 1);
    return frame;
  };
});

describe('a payload that nobody encoded', () => {
  const RUNS = { numRuns: 5_000 };
  const ofEveryObject = (): string[] => Object.getOwnPropertyNames(Object.prototype);
  const pristine = ofEveryObject();

  /** Whether decoding ends in a value or an error, and nothing else comes of it. */
  function isHarmless(payload: Buffer): boolean {
    try {
      decode(payload);
      return ofEveryObject().length === pristine.length;
    } catch (error) {
      return isNativeError(error) && ofEveryObject().length === pristine.length;
    }
  }

  it('is decoded to something, or refused with an error', () => {
    expect(fc.check(fc.property(anyBytes(300), isHarmless), RUNS)).toMatchObject({ failed: false });
  }, 60_000);

  it('that begins as V8 writes them: the same', () => {
    const property = fc.property(anyBytes(300), (tail) => isHarmless(Buffer.concat([Buffer.from([0xff, 0x0f]), tail])));
    expect(fc.check(property, RUNS)).toMatchObject({ failed: false });
  }, 60_000);

  it('that begins as small values do: the same', () => {
    const property = fc.property(anyBytes(300), (tail) => isHarmless(Buffer.concat([Buffer.from([0xfe]), tail])));
    expect(fc.check(property, RUNS)).toMatchObject({ failed: false });
  }, 60_000);

  it('one bit of which was changed: the same', () => {
    const values = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withBigInt: true,
    });
    const property = fc.property(values, fc.nat(), fc.integer({ min: 0, max: 7 }), (value, where, bit) => {
      const payload = Buffer.from(encode('e', value, 1_000_000));
      if (payload.length > 0) payload[where % payload.length]! ^= 1 << bit;
      return isHarmless(payload);
    });
    expect(fc.check(property, RUNS)).toMatchObject({ failed: false });
  }, 60_000);

  it.each([
    ['an array of 4 billion', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
    ['a map of 4 billion', Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff])],
    ['a string of 4 GB', Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff, 0x41])],
    ['4 GB of bytes', Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff, 0x41])],
    ['an extension of 4 GB', Buffer.from([0xc9, 0xff, 0xff, 0xff, 0xff, 0x74, 0x41])],
    ['a dense array of 4 billion, by V8', Buffer.from([0xff, 0x0f, 0x41, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['a sparse array of 4 billion, by V8', Buffer.from([0xff, 0x0f, 0x61, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['an ArrayBuffer of 4 GB, by V8', Buffer.from([0xff, 0x0f, 0x42, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['a string of 4 GB, by V8', Buffer.from([0xff, 0x0f, 0x22, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['a small list of 65,535', Buffer.from([0xfe, 9, 0xff, 0xff, 0])],
    ['a small text of 65,535 bytes', Buffer.from([0xfe, 6, 0xff, 0xff, 0x41])],
    ['a small object whose keys are longer than it', Buffer.from([0xfe, 10, 3, 0, 0, 0xff, 0])],
    ['a small object that ends after its document', Buffer.from([0xfe, 10, 9, 0, 0])],
    ['a small object of no bytes', Buffer.from([0xfe, 10, 0, 0])],
    ['a small object of one byte', Buffer.from([0xfe, 10, 1, 0, 0])],
    ['a small object with more values than keys', Buffer.from([0xfe, 10, 6, 0, 0, 0, 0x61, 0, 2, 0])],
    ['a small object with keys that do not end', Buffer.from([0xfe, 10, 4, 0, 0, 0x61, 1, 0])],
    ['a small value and more', Buffer.from([0xfe, 0, 0])],
    ['a value of a kind that small ones do not have', Buffer.from([0xfe, 99])],
    ['a million small lists in one another', Buffer.alloc(1_000_000, Buffer.from([0xfe, 9, 1, 0]))],
    ['a million arrays in one another', Buffer.alloc(1_000_000, 0x91)],
    [
      'a million objects in one another, by V8',
      Buffer.concat([Buffer.from([0xff, 0x0f]), Buffer.alloc(1_000_000, 0x6f)]),
    ],
  ])('%s: refused, and no memory is taken for it', (_, payload) => {
    const before = process.memoryUsage();
    expect(() => decode(payload)).toThrow(/./);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(100_000_000);
  });

  it('cannot reach a prototype', () => {
    const pollute = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as object;
    for (const value of [pollute, [pollute], new Map([['__proto__', pollute]])]) {
      const copy = decode(encode('e', value, 1_000_000));
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      expect(copy).toEqual(value);
    }
    // As plain msgpack writes it, which encode() never does.
    const map = Buffer.concat([
      Buffer.from([0x81, 0xa9]),
      Buffer.from('__proto__'),
      Buffer.from([0x81, 0xa1, 0x78, 0x01]),
    ]);
    const copy = decode(map);
    expect((copy as { x?: unknown }).x).toBeUndefined();
    // As small values are written, were that a key.
    const key = Buffer.from('__proto__\0');
    const empty = [10, 2, 0, 0, 0];
    const small = Buffer.concat([
      Buffer.from([0xfe, 10, empty.length + key.length + 2, 0, ...empty]),
      key,
      Buffer.of(key.length, 0),
    ]);
    expect(() => decode(small)).toThrow(/no payload/);
    small.write('__other__', small.indexOf('__proto__'));
    expect(decode(small)).toEqual({ __other__: {} });
  });
});
