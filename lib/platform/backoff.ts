/** The longest time between two tries, in ms. */
const LONGEST_DELAY = 2_000;

/** Doublings after which any first delay is over the longest one. */
const MOST_DOUBLINGS = 11;

/**
 * How long to wait, in ms, after so many tries at something that is not there: `first` after one, doubling, `most` at most,
 * and spread over the half below, for many members must not come at the same moment.
 */
export function delayAfter(tries: number, first: number, most: number = LONGEST_DELAY): number {
  const longest = Math.min(first * 2 ** Math.min(tries - 1, MOST_DOUBLINGS), most);
  return Math.round(longest * (0.5 + Math.random() / 2));
}
