import { describe, expect, it } from '@jest/globals';
import {
  HEARTBEAT_INTERVAL,
  type MemberInfo,
  LOST_AFTER,
  Membership,
  SUSPECT_AFTER,
} from '../../../lib/distributed-bus/membership.js';

const SELF = 1;

function card(id: number, more: Partial<MemberInfo> = {}): MemberInfo {
  const place = { primary: 10, worker: 1, host: 'a', slot: 0, generation: 1, pid: 1000 + id };
  return { id, ...place, state: 'ready', serves: [], servesMore: false, revision: 1, ...more };
}

const beat = (id: number, revision = 1) => ({ id, revision, load: null, leads: null });

/** A membership that has heard itself and member 2 at time 0. */
function two(): Membership {
  const membership = new Membership(SELF, 0, 5_000);
  membership.onInfo(card(SELF), 0);
  membership.onInfo(card(2, { slot: 1 }), 0);
  return membership;
}

const ids = (membership: Membership) => membership.members.map(({ id }) => id);

/** Both beat, but those that are silent from `since` on; time goes on to `until`. Returns who was lost, and when. */
function live(membership: Membership, until: number, silent: readonly number[]): [id: number, at: number][] {
  const lost: [number, number][] = [];
  for (let now = 0; now <= until; now += HEARTBEAT_INTERVAL / 2) {
    for (const id of [SELF, 2])
      if (!silent.includes(id) && now % HEARTBEAT_INTERVAL === 0) membership.onHeartbeat(beat(id), now);
    for (const { id } of membership.check(now).lost) lost.push([id, now]);
  }
  return lost;
}

describe('membership', () => {
  it('lists ready workers, by host, primary and slot', () => {
    const membership = new Membership(SELF, 0, 5_000);
    membership.onInfo(card(5, { host: 'b', primary: 3, slot: 0 }), 0);
    membership.onInfo(card(6, { host: 'a', primary: 9, slot: 0 }), 0);
    membership.onInfo(card(7, { host: 'a', primary: 8, slot: 1 }), 0);
    membership.onInfo(card(8, { host: 'a', primary: 8, slot: 0 }), 0);
    membership.onInfo(card(9, { state: 'booting' }), 0);
    membership.onInfo(card(11, { state: 'leaving' }), 0);
    membership.onInfo(card(12, { worker: 0 }), 0);
    expect(ids(membership)).toEqual([8, 7, 6, 5]);
  });

  it('asks for the card of a member it does not know, or that has a newer one', () => {
    const membership = two();
    expect(membership.onHeartbeat(beat(3), 0).ask).toBe(3);
    expect(membership.onHeartbeat(beat(2, 2), 0).ask).toBe(2);
    expect(membership.onInfo(card(2, { revision: 2, state: 'leaving' }), 0).changed).toBe(true);
    expect(membership.onHeartbeat(beat(2, 2), 0).ask).toBeUndefined();
    expect(ids(membership)).toEqual([SELF]);
  });

  it('an older card that arrives late changes nothing', () => {
    const membership = two();
    membership.onInfo(card(2, { revision: 3, state: 'leaving' }), 0);
    expect(membership.onInfo(card(2, { revision: 2 }), 0).changed).toBe(false);
    expect(ids(membership)).toEqual([SELF]);
  });

  it('a silent member is suspect first, then lost, within 2 s', () => {
    const membership = two();
    const lost = live(membership, 2_000, [2]);
    expect(lost).toEqual([[2, expect.any(Number)]]);
    expect(lost[0]![1]).toBeGreaterThan(LOST_AFTER);
    expect(lost[0]![1]).toBeLessThanOrEqual(2_000);
    const suspected = two();
    live(suspected, SUSPECT_AFTER + HEARTBEAT_INTERVAL / 2, [2]);
    expect(suspected.members.find(({ id }) => id === 2)?.suspect).toBe(true);
    expect(suspected.onHeartbeat(beat(2), 1_500)).toMatchObject({ changed: true });
    expect(suspected.members.find(({ id }) => id === 2)?.suspect).toBe(false);
  });

  it('where its own beats do not come back, it is the broker that is silent: nobody is lost, and all have time anew', () => {
    const membership = two();
    expect(live(membership, 10_000, [SELF, 2])).toEqual([]);
    membership.onHeartbeat(beat(SELF), 10_000);
    expect(membership.check(10_000 + HEARTBEAT_INTERVAL).lost).toEqual([]);
    for (let now = 10_000; now <= 12_000; now += HEARTBEAT_INTERVAL) membership.onHeartbeat(beat(SELF), now);
    expect(membership.check(12_000).lost.map(({ id }) => id)).toEqual([2]);
  });

  it('is unsettled during a silence of the broker, and for a while after', () => {
    const membership = two();
    live(membership, 2_000, []);
    expect(membership.isUnsettled(2_000)).toBe(false);
    expect(membership.isUnsettled(3_100)).toBe(true);
    membership.onHeartbeat(beat(SELF), 4_000);
    expect(membership.isUnsettled(4_100)).toBe(true);
    for (let now = 4_000; now <= 10_000; now += HEARTBEAT_INTERVAL) membership.onHeartbeat(beat(SELF), now);
    expect(membership.isUnsettled(10_000)).toBe(false);
  });

  it.each([
    [2_000, [SELF, 2]],
    [4_900, [SELF, 2]],
    [5_500, [SELF]],
  ])('after a silence of %d ms a member may run what it began, or no more: %j', (silence, mayRun) => {
    const membership = two();
    live(membership, silence, [2]);
    expect(ids(membership)).toEqual([SELF]);
    expect(membership.whoMayRun(silence)).toEqual(new Set(mayRun));
  });

  it('one that has fallen silent and is then said to be gone runs nothing', () => {
    const membership = two();
    live(membership, 2_000, [2]);
    membership.gone(2, 2_000);
    expect(membership.whoMayRun(2_000)).toEqual(new Set([SELF]));
  });

  it('one whose end was announced is gone at once, and what it sent before does not bring it back', () => {
    const membership = two();
    expect(membership.gone(2, 0).lost.map(({ id }) => id)).toEqual([2]);
    expect(membership.onInfo(card(2, { revision: 9 }), 10).changed).toBe(false);
    expect(membership.onHeartbeat(beat(2), 10).ask).toBeUndefined();
    expect(ids(membership)).toEqual([SELF]);
  });

  it('one that was lost and speaks again is asked who it is, and is back', () => {
    const membership = two();
    live(membership, 2_000, [2]);
    expect(membership.onHeartbeat(beat(2), 2_100).ask).toBe(2);
    membership.onInfo(card(2), 2_100);
    expect(ids(membership)).toEqual([SELF, 2]);
  });

  it('knows whether an event is served: not before every ready worker has said so', () => {
    const membership = new Membership(SELF, 0, 5_000);
    expect(membership.served('e')).toBe('unknown');
    membership.onInfo(card(2, { serves: null }), 0);
    expect(membership.served('e')).toBe('unknown');
    membership.onInfo(card(2, { serves: [], revision: 2 }), 0);
    expect(membership.served('e')).toBe('no');
    membership.onInfo(card(3, { serves: [{ event: 'e' }] }), 0);
    expect(membership.served('e')).toBe('yes');
    membership.gone(3, 0);
    expect(membership.served('e')).toBe('no');
  });

  it('knows whether somebody leads, by who said so a moment ago', () => {
    const membership = two();
    membership.onHeartbeat({ ...beat(2), leads: 7 }, 100);
    expect(membership.isLed(600, 1_000)).toBe(true);
    expect(membership.isLed(1_200, 1_000)).toBe(false);
  });
});
