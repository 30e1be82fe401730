import { describe, expect, it } from '@jest/globals';
import type { Claim } from '../../../../lib/bus/bus.interface.js';
import { Kind, newFrame, setTerm } from '../../../../lib/local-bus/wire/frame.js';
import { MANY_KEYS } from '../../../../lib/bus/calls/lasting-keys.js';
import { bytes, type Peer, quiet, TestCluster, text } from '../../bus/cluster.js';

const claim = (peer: Peer, key = 'migrate', ttl = Infinity, signal = {}) => peer.claim(key, ttl, signal);

/** A promise with what became of it so far. */
function watch(promise: Promise<Claim>): { state: Claim | Error | 'waiting' } {
  const watched: { state: Claim | Error | 'waiting' } = { state: 'waiting' };
  promise.then(
    (result) => (watched.state = result),
    (error: Error) => (watched.state = error),
  );
  return watched;
}

async function boot(count: number) {
  const cluster = new TestCluster();
  const peers: Peer[] = [];
  for (let slot = 0; slot < count; slot++) peers.push(await cluster.boot(slot));
  return { cluster, peers: peers as [Peer, Peer, Peer] };
}

const answered = (result: Claim | Error | 'waiting') => {
  if (result === 'waiting' || result instanceof Error || result.granted) return result;
  return [result.answer.outcome, text(result.answer.payload), result.answer.slot];
};

describe('a claim', () => {
  it('is granted to one member, before it is ready; the others get the answer it concludes with', async () => {
    const { peers } = await boot(3);
    const [a, b, c] = peers;
    expect(await claim(a)).toEqual({ granted: true, term: 1 });
    const waiting = [watch(claim(b)), watch(claim(c))];
    await quiet();
    expect(waiting.map(({ state }) => state)).toEqual(['waiting', 'waiting']);
    a.bus.conclude('migrate', 'ok', bytes('result'));
    await quiet();
    for (const { state } of waiting) expect(answered(state)).toEqual(['ok', 'result', 0]);
    expect(answered(await claim(c))).toEqual(['ok', 'result', 0]);
  });

  it('may be held by the primary', async () => {
    const { cluster, peers } = await boot(1);
    const primary = await cluster.primary();
    expect(await claim(primary)).toMatchObject({ granted: true });
    const waiting = claim(peers[0]);
    primary.bus.conclude('migrate', 'ok', bytes('p'));
    expect(answered(await waiting)).toEqual(['ok', 'p', 'primary']);
  });

  it('on another key is another claim', async () => {
    const { peers } = await boot(2);
    expect(await claim(peers[0], 'one')).toMatchObject({ granted: true });
    expect(await claim(peers[1], 'two')).toMatchObject({ granted: true });
  });

  it('by the same member twice waits for the first', async () => {
    const { peers } = await boot(1);
    await claim(peers[0]);
    const second = claim(peers[0]);
    peers[0].bus.conclude('migrate', 'ok', bytes('r'));
    expect(answered(await second)).toEqual(['ok', 'r', 0]);
  });

  it('keeps an ok answer for the ttl and is granted anew after it', async () => {
    const { cluster, peers } = await boot(2);
    await claim(peers[0], 'k', 500);
    peers[0].bus.conclude('k', 'ok', bytes('r'));
    await quiet();
    cluster.now += 499;
    expect(answered(await claim(peers[1], 'k', 500))).toEqual(['ok', 'r', 0]);
    cluster.now += 1;
    expect(await claim(peers[1], 'k', 500)).toMatchObject({ granted: true });
  });

  it('gives an error to those who wait, and forgets it', async () => {
    const { peers } = await boot(2);
    await claim(peers[0]);
    const waiting = claim(peers[1]);
    await quiet();
    peers[0].bus.conclude('migrate', 'error', bytes('why'));
    expect(answered(await waiting)).toEqual(['error', 'why', 0]);
    expect(await claim(peers[1])).toMatchObject({ granted: true });
  });

  it('passes to the next one waiting, in a higher term, when its holder dies', async () => {
    const { peers } = await boot(3);
    const [a, b, c] = peers;
    await claim(a);
    const second = watch(claim(b));
    await quiet();
    const third = watch(claim(c));
    await quiet();
    a.die();
    await quiet();
    expect([second.state, third.state]).toEqual([{ granted: true, term: 2 }, 'waiting']);
    b.bus.conclude('migrate', 'ok', bytes('by b'));
    await quiet();
    expect(answered(third.state)).toEqual(['ok', 'by b', 1]);
  });

  it('skips waiting members that died', async () => {
    const { peers } = await boot(3);
    const [a, b, c] = peers;
    await claim(a);
    watch(claim(b));
    await quiet();
    const third = watch(claim(c));
    b.die();
    await quiet();
    a.die();
    await quiet();
    expect(third.state).toMatchObject({ granted: true });
  });

  it('is free again when its holder dies and nobody waits', async () => {
    const { peers } = await boot(2);
    await claim(peers[0]);
    peers[0].die();
    await quiet();
    expect(await claim(peers[1])).toMatchObject({ granted: true });
  });

  it('given up while waiting goes to the one behind', async () => {
    const { peers } = await boot(3);
    const [a, b, c] = peers;
    await claim(a);
    const signal: { cancel?: () => void } = {};
    const second = watch(claim(b, 'migrate', Infinity, signal));
    await quiet();
    const third = watch(claim(c));
    await quiet();
    signal.cancel!();
    await quiet();
    a.die();
    await quiet();
    expect(second.state).toBe('waiting');
    expect(third.state).toMatchObject({ granted: true });
  });

  it('given up while the grant is on its way goes to the one behind', async () => {
    const { peers } = await boot(2);
    const signal: { cancel?: () => void } = {};
    const first = watch(claim(peers[0], 'migrate', Infinity, signal));
    const second = watch(claim(peers[1]));
    signal.cancel!();
    await quiet();
    expect(first.state).toBe('waiting');
    expect(second.state).toMatchObject({ granted: true });
  });

  it('concluded by a member that does not hold it stays as it is, with a warning', async () => {
    const { cluster, peers } = await boot(2);
    await claim(peers[0]);
    const waiting = watch(claim(peers[1]));
    const stub = cluster.stub(7);
    const forged = newFrame(Kind.CONCLUDE, '', 'migrate', bytes('forged'));
    setTerm(forged, 1);
    stub.receive(forged);
    peers[1].bus.conclude('migrate', 'ok', bytes('not held'));
    await quiet();
    expect(waiting.state).toBe('waiting');
    expect(cluster.warnings).toEqual([expect.stringMatching(/slot 7 .*'migrate' in term 1, which it does not hold/)]);
  });

  it('concluded in an older term stays as it is, with a warning', async () => {
    const { cluster } = await boot(0);
    const stub = cluster.stub(7);
    const request = newFrame(Kind.CLAIM, '', 'k');
    stub.receive(request);
    const old = newFrame(Kind.CONCLUDE, '', 'k', bytes('old'));
    setTerm(old, 9);
    stub.receive(old);
    expect(cluster.warnings).toEqual([expect.stringMatching(/in term 9, which it does not hold/)]);
  });

  it('is forgotten after its ttl also where nobody asks for it again', async () => {
    const { cluster, peers } = await boot(1);
    for (let i = 0; i < 3000; i++) {
      expect(await claim(peers[0], `key ${i}`, 1)).toMatchObject({ granted: true });
      peers[0].bus.conclude(`key ${i}`, 'ok', bytes('r'));
      cluster.now += 2;
    }
    const { claims } = (cluster.hub as unknown as { claims: { claims: Map<string, unknown> } }).claims;
    expect(claims.size).toBeLessThan(2100);
  });

  it('that thousands are kept for ever is warned of', async () => {
    const { cluster, peers } = await boot(1);
    const [a] = peers;
    const warned = () => cluster.warnings.filter((line) => /results of runOnce are kept/.test(line));
    for (const [prefix, ttl] of [
      ['short', 60_000],
      ['long', Infinity],
    ] as const) {
      expect(warned()).toEqual([]);
      for (let n = 0; n < MANY_KEYS; n++) {
        const granted = claim(a, `${prefix}:${n}`, ttl);
        if (n % 100 === 99) await granted;
        await quiet();
        a.bus.conclude(`${prefix}:${n}`, 'ok', bytes('done'));
      }
      await quiet();
    }
    expect(warned()).toEqual([expect.stringMatching(/^2000 results .*'long:1999'.*memory in the primary/)]);
  });
});
