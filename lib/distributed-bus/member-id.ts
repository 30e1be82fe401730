import { randomInt } from 'node:crypto';
import type { MemberId } from '../bus/bus.interface.js';

/** 2020-01-01 UTC, in Unix ms: numbers count from there. */
const EPOCH = 1_577_836_800_000;

/** Numbers to each ms, drawn at random: what keeps apart members that two hosts start in the same one. */
const PER_MS = 4096;

let last = 0;

/**
 * A number that no other member of any host has, higher than those given before: by the ms, so that of two
 * workers in a slot the newer has the higher one as far as the clock is right. Below 2^53 until the year 2089.
 */
export function newMemberId(now: number = Date.now()): MemberId {
  last = Math.max((now - EPOCH) * PER_MS + randomInt(PER_MS), last + 1);
  return last;
}
