import { randomInt } from 'node:crypto';
import type { MemberId } from '../bus/bus.interface.js';

/** 2020-01-01 UTC, in Unix ms: member ids count from there. */
const EPOCH = 1_577_836_800_000;

/** How many ids each ms has. One is drawn at random, to keep apart members that two hosts start in the same ms. */
const PER_MS = 4096;

let last = 0;

/**
 * A number that no other member on any host has, and higher than those this process has given before. It comes from the
 * clock: of two workers in a slot, the newer one has the higher id as long as the clock is right. Below 2^53 until the
 * year 2089.
 */
export function newMemberId(now: number = Date.now()): MemberId {
  last = Math.max((now - EPOCH) * PER_MS + randomInt(PER_MS), last + 1);
  return last;
}
