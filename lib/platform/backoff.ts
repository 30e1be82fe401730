/** The longest delay between two attempts, in ms. */
const LONGEST_DELAY = 2_000;

/** After this many doublings, any first delay exceeds the longest one. */
const MOST_DOUBLINGS = 11;

/**
 * The delay before the next attempt, in ms, after `tries` failed ones: `first` at first, doubled each time, at most
 * `most`. It is randomised down to half of that, so that many members do not retry at the same moment.
 */
export function delayAfter(tries: number, first: number, most: number = LONGEST_DELAY): number {
  const longest = Math.min(first * 2 ** Math.min(tries - 1, MOST_DOUBLINGS), most);
  return Math.round(longest * (0.5 + Math.random() / 2));
}
