import { appendFileSync, readFileSync } from 'node:fs';

/** Environment variable with the path of the journal. */
export const JOURNAL = 'BENCH_JOURNAL';

/**
 * Writes down what this process did, such as 'boot' or 'ready': by pid and by the wall clock (ms), in one
 * appended line, so that it is on disk even if the next statement ends the process.
 */
export function record(what, detail = {}) {
  appendFileSync(process.env[JOURNAL], `${JSON.stringify({ what, pid: process.pid, at: Date.now(), ...detail })}\n`);
}

/** All that was recorded so far, in order. */
export function readJournal(path) {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}
