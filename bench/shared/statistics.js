/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** `median (min–max)`, each written by `write`. */
export function spread(values, write) {
  return `${write(median(values))} (${write(Math.min(...values))}–${write(Math.max(...values))})`;
}

/**
 * Ratios of two series measured alternately, pair by pair: what disturbed the machine in one round
 * disturbed both sides of that round.
 */
export function ratios(numerators, denominators) {
  return numerators.map((value, round) => value / denominators[round]);
}

/** A ratio with two digits that matter: 0.41×, 6.7×, 23×. */
export function times(ratio) {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toPrecision(2)}×`;
}
