import { describe, expect, it } from '@jest/globals';
import { newMemberId } from '../../../lib/distributed-bus/member-id.js';
import { OtherVersion, pack, Reader, tokenOf, unpack, WIRE_VERSION } from '../../../lib/distributed-bus/envelope.js';

const asItIs = (header: unknown) => header;

describe('a message on the wire', () => {
  it('comes out as it went in', () => {
    const { header, payload } = unpack(pack({ event: 'größe', n: 1 }, Buffer.from([0, 255, 1])), asItIs);
    expect(header).toEqual({ v: WIRE_VERSION, event: 'größe', n: 1 });
    expect([...payload]).toEqual([0, 255, 1]);
    expect(unpack(pack({}), asItIs).payload).toHaveLength(0);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a header that is cut off', Buffer.from([0, 0, 1, 0, 123])],
    ['a header that is no JSON', Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from('x')])],
    ['a header that is no object', Buffer.concat([Buffer.from([0, 0, 0, 4]), Buffer.from('null')])],
  ])('%s is refused', (_, message) => {
    expect(() => unpack(message, asItIs)).toThrow(/^it/);
  });

  it.each([
    [{ v: WIRE_VERSION + 1 }, /version 3, and this process speaks version 2/],
    [{ v: undefined }, /no version that is known/],
    [{ v: 'a secret' }, /no version that is known/],
  ])('of another version is refused as such: %j', (header, reason) => {
    expect(() => unpack(pack(header), asItIs)).toThrow(OtherVersion);
    expect(() => unpack(pack(header), asItIs)).toThrow(reason);
  });

  it('of another version is dropped, and said to be so with what to do', () => {
    const warnings: string[] = [];
    const taken: unknown[] = [];
    const reader = new Reader('NATS', (message) => warnings.push(message));
    reader.take(pack({ v: WIRE_VERSION + 1, type: 'discover', id: 1, release: '7.8.9-rc.1' }), asItIs, (header) =>
      taken.push(header),
    );
    expect(taken).toEqual([]);
    expect(reader.dropped).toBe(1);
    expect(warnings).toEqual([
      expect.stringMatching(/another version of nestjs-cluster \(7\.8\.9-rc\.1\) .*another messenger\.cluster/),
    ]);
  });

  it('of another version that names no release as ours are named is said without it', () => {
    const warnings: string[] = [];
    new Reader('NATS', (message) => warnings.push(message)).read(
      pack({ v: WIRE_VERSION + 1, release: '1.2.3\nforged' }),
      asItIs,
    );
    expect(warnings).toEqual([expect.stringMatching(/another version of nestjs-cluster are in this cluster/)]);
  });

  it('names become tokens that no two lists of names share', () => {
    expect(tokenOf('a', 'b.c *>')).toMatch(/^[0-9a-f]{32}$/);
    expect(tokenOf('a', 'b')).not.toBe(tokenOf('ab'));
    expect(tokenOf('a', 'b')).toBe(tokenOf('a', 'b'));
  });
});

describe('a member number', () => {
  it('is higher than those before, by the clock, and fits into a number', () => {
    const ids = Array.from({ length: 1_000 }, () => newMemberId());
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
    expect(newMemberId(Date.UTC(2080, 0, 1))).toBeLessThan(Number.MAX_SAFE_INTEGER);
  });
});
