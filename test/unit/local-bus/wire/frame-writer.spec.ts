import { describe, expect, it } from '@jest/globals';
import { Kind, newFrame, type Frame } from '../../../../lib/local-bus/wire/frame.js';
import { ByteRange } from '../../../../lib/codec/byte-range.js';
import { FrameWriter } from '../../../../lib/local-bus/wire/frame-writer.js';
import { streamOf, viewOf } from '../../bus/cluster.js';

const frame = (size: number, fill: number) => newFrame(Kind.PUBLISH, 'e', '', Buffer.alloc(size, fill));

function write(frames: Frame[]) {
  const writer = new FrameWriter();
  for (const each of frames) writer.add(each);
  return writer;
}

describe('FrameWriter', () => {
  it('keeps the order of small, large, adjoining and scattered frames', () => {
    const chunk = streamOf([frame(30_000, 1), frame(20_000, 2), frame(9, 3)]);
    const frames = [
      frame(10, 4),
      new ByteRange(chunk, 0, 30_045),
      new ByteRange(chunk, 30_045, 50_090),
      new ByteRange(chunk, 50_090),
      frame(200_000, 5),
      frame(3000, 6),
      frame(3000, 7),
      ...Array.from({ length: 100 }, (_, i) => new ByteRange(Buffer.from(viewOf(frame(2000, i))))),
    ];
    const writer = write(frames);
    expect(writer.bytes).toBe(streamOf(frames).length);
    expect(Buffer.concat(writer.take()).equals(streamOf(frames))).toBe(true);
    expect(writer.take()).toEqual([]);
  });

  it('sends adjoining frames of a chunk as one piece, uncopied', () => {
    const chunk = streamOf(Array.from({ length: 300 }, (_, i) => frame(100, i)));
    const size = chunk.length / 300;
    const frames = Array.from({ length: 300 }, (_, i) => new ByteRange(chunk, i * size, (i + 1) * size));
    const pieces = write(frames).take();
    expect(pieces).toHaveLength(1);
    expect(pieces[0]!.buffer).toBe(chunk.buffer);
  });

  it('copies scattered small frames into one piece, which holds none of their chunks', () => {
    const frames = Array.from({ length: 100 }, (_, i) => {
      const chunk = Buffer.allocUnsafeSlow(64 * 1024);
      return new ByteRange(chunk, 0, viewOf(frame(100, i)).copy(chunk));
    });
    const pieces = write(frames).take();
    expect(pieces).toHaveLength(1);
    expect(Buffer.concat(pieces).equals(streamOf(frames))).toBe(true);
  });

  it('does not write over a piece before it is told that it has left', () => {
    const writer = write([frame(10, 1)]);
    const [first] = writer.take();
    const before = Buffer.from(first!);
    writer.add(frame(10, 2));
    const [second] = writer.take();
    expect(second!.buffer).toBe(first!.buffer);
    expect(first!.equals(before)).toBe(true);
  });

  it('uses its memory again once everything has left', () => {
    const writer = write([frame(10, 1)]);
    const [first] = writer.take();
    writer.recycle();
    writer.add(frame(10, 2));
    const [second] = writer.take();
    expect(second!.byteOffset).toBe(first!.byteOffset);
    expect(second!.buffer).toBe(first!.buffer);
  });
});
