import { describe, expect, it } from '@jest/globals';
import {
  deadlineOf,
  eventOf,
  HEADER,
  idOf,
  keyOf,
  Kind,
  kindOf,
  MAX_NAME,
  newFrame,
  outcomeOf,
  payloadOf,
  PRIMARY_SLOT,
  setDeadline,
  setId,
  setOutcome,
  setSource,
  sourceOf,
  sourceSlotOf,
  type Frame,
} from '../../../../lib/local-bus/wire/frame.js';
import { FrameReader } from '../../../../lib/local-bus/wire/frame-reader.js';
import { InvalidArgumentError } from '../../../../lib/errors/errors.js';
import { streamOf, text, viewOf } from '../../bus/cluster.js';

const MAX = 4096;

function read(chunks: Buffer[], maxFrame = MAX) {
  const frames: Frame[] = [];
  const errors: string[] = [];
  const reader = new FrameReader(
    maxFrame,
    (frame) => frames.push(frame),
    (reason) => errors.push(reason),
  );
  for (const chunk of chunks) reader.push(chunk);
  return { frames, errors, reader };
}

const frames = [
  newFrame(Kind.PUBLISH, 'cache.clear', '', Buffer.from('payload')),
  newFrame(Kind.GOAWAY),
  newFrame(Kind.TASK, 'grüße', 'schlüssel', Buffer.alloc(300, 5)),
  newFrame(Kind.REPLY, '', '', Buffer.alloc(0)),
  newFrame(Kind.SERVE, '', '', Buffer.alloc(64, 1)),
].map((frame, i) => {
  setId(frame, i + 1);
  return frame;
});
const stream = streamOf(frames);
const asHex = (all: Frame[]) => all.map((frame) => viewOf(frame).toString('hex'));

describe('frame', () => {
  it('reads back every field, event, key and payload', () => {
    const frame = newFrame(Kind.TASK, 'grüße', 'schlüssel', Buffer.from('body'));
    setId(frame, 2 ** 32 - 1);
    setDeadline(frame, Infinity);
    setOutcome(frame, 'expired');
    setSource(frame, 70_000, PRIMARY_SLOT);
    expect(kindOf(frame)).toBe(Kind.TASK);
    expect([eventOf(frame), keyOf(frame), text(payloadOf(frame))]).toEqual(['grüße', 'schlüssel', 'body']);
    expect([idOf(frame), deadlineOf(frame), outcomeOf(frame)]).toEqual([2 ** 32 - 1, Infinity, 'expired']);
    expect([sourceOf(frame), sourceSlotOf(frame)]).toEqual([70_000, 'primary']);
  });

  it('keeps names apart that share a place in the name cache', () => {
    const names = Array.from({ length: 2000 }, (_, i) => `event.${i}.${'x'.repeat(i % 90)}`);
    expect(names.map((name) => eventOf(newFrame(Kind.PUBLISH, name)))).toEqual(names);
    expect(names.map((name) => eventOf(newFrame(Kind.PUBLISH, name)))).toEqual(names);
  });

  it('refuses an event or key longer than its length field can say', () => {
    expect(() => newFrame(Kind.PUBLISH, 'e'.repeat(MAX_NAME + 1))).toThrow(InvalidArgumentError);
    expect(() => newFrame(Kind.CLAIM, '', 'k'.repeat(MAX_NAME + 1))).toThrow(/key .* is 65536 bytes long/);
    expect(eventOf(newFrame(Kind.PUBLISH, 'e'.repeat(MAX_NAME)))).toHaveLength(MAX_NAME);
  });
});

describe('FrameReader', () => {
  it('cuts a chunk of whole frames without copying', () => {
    const { frames: got } = read([stream]);
    expect(asHex(got)).toEqual(asHex(frames));
    expect(got.every((frame) => frame.bytes === stream)).toBe(true);
  });

  it('puts frames together at every split point of the stream', () => {
    for (let at = 0; at <= stream.length; at++) {
      const { frames: got, errors } = read([stream.subarray(0, at), stream.subarray(at)]);
      expect(asHex(got)).toEqual(asHex(frames));
      expect(errors).toEqual([]);
    }
  });

  it.each([1, 2, 3, 7, 43, 44, 45, 100])('puts frames together from chunks of %d bytes', (size) => {
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
    expect(asHex(read(chunks).frames)).toEqual(asHex(frames));
  });

  it('gives a frame that came in pieces memory of exactly its size', () => {
    const large = viewOf(newFrame(Kind.PUBLISH, 'e', '', Buffer.alloc(3000, 9)));
    const [got] = read([large.subarray(0, 1000), large.subarray(1000, 2000), large.subarray(2000)]).frames;
    expect(got!.bytes.buffer.byteLength).toBe(large.length);
  });

  const broken = (change: (frame: Buffer) => void) => {
    const frame = Buffer.from(viewOf(frames[0]!));
    change(frame);
    return frame;
  };

  it.each<[string, Buffer, RegExp]>([
    [
      'a length over the limit',
      broken((frame) => frame.writeUInt32LE(MAX, 0)),
      /a frame of 4100 bytes, over the limit of 4096/,
    ],
    ['an absurd length', broken((frame) => frame.writeUInt32LE(0xffffffff, 0)), /a frame of 4294967299 bytes/],
    ['an unknown kind', broken((frame) => (frame[4] = 99)), /unknown kind 99/],
    ['kind 0', broken((frame) => (frame[4] = 0)), /unknown kind 0/],
    ['a length shorter than a header', broken((frame) => frame.writeUInt32LE(3, 0)), /a frame of 7 bytes/],
    ['an event longer than the frame', broken((frame) => frame.writeUInt16LE(60000, 12)), /whose names alone need/],
  ])('stops at %s, says so once, and reads nothing after it', (_, bad, reason) => {
    for (const chunks of [
      [streamOf([frames[1]!, bad, frames[2]!])],
      [streamOf([frames[1]!, bad.subarray(0, 20)]), bad.subarray(20), viewOf(frames[2]!)],
    ]) {
      const { frames: got, errors } = read(chunks);
      expect(asHex(got)).toEqual(asHex([frames[1]!]));
      expect(errors).toEqual([expect.stringMatching(reason)]);
    }
  });

  it('takes a frame of exactly the limit', () => {
    const frame = newFrame(Kind.PUBLISH, '', '', Buffer.alloc(MAX - HEADER));
    expect(read([viewOf(frame)]).frames).toHaveLength(1);
  });

  it('stops within a chunk when its owner says so', () => {
    const got: Frame[] = [];
    const reader: FrameReader = new FrameReader(
      MAX,
      (frame) => {
        got.push(frame);
        reader.stop();
      },
      () => undefined,
    );
    reader.push(stream);
    expect(got).toHaveLength(1);
  });
});
