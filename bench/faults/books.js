import { FAILURES, failed } from './load.js';

const count = (value) => value.toLocaleString('en');

/** `0 of 5,713`, or `92 of 5,713 (74 reset, 18 timeout)`. */
export function failedOf(book) {
  const total = failed(book);
  return `**${count(total)}** of ${count(book.sent)}${total > 0 ? ` (${kinds(book)})` : ''}`;
}

/** `74 reset, 18 timeout`. */
export function kinds(book) {
  return FAILURES.filter((outcome) => book[outcome] > 0)
    .map((outcome) => `${count(book[outcome])} ${outcome}`)
    .join(', ');
}

/** `3`, or `0–3` where they differ. */
export function range(values) {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return min === max ? count(min) : `${count(min)}–${count(max)}`;
}

/** The different ones, each once. */
export function distinct(values) {
  return [...new Set(values)].join(', ');
}
