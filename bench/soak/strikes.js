import { isAlive, until } from '../shared/launcher.js';

/** What a client can see of a process's end lags behind it by this long at most (a busy machine), in ms. */
const LAG = 250;

/** How long a killed process may take to be gone, in ms. */
const DEATH_TIMEOUT = 10_000;

/**
 * What was done to workers, and so what may have been lost by it. A deadly strike excuses the requests that
 * were in that process; a pause, a throw, a reload or scaling excuses none.
 */
export class Strikes {
  #deadly = new Map();
  #gentle = new Set();

  /** From now on, or from `at` on (ms, wall clock), the worker answers nobody any more. */
  deadly(kind, pid, at = Date.now()) {
    const strike = { kind, pid, at, diedAt: Infinity, excused: 0 };
    this.#deadly.set(pid, strike);
    return strike;
  }

  /** A worker that will end, but has to answer everybody before. */
  gentle(pid) {
    this.#gentle.add(pid);
  }

  /** Kills it, and notes when it was gone. */
  async kill(pid) {
    const strike = this.deadly('kill', pid);
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid), DEATH_TIMEOUT, 5);
    strike.diedAt = Date.now();
  }

  /** The worker's end was seen at `at`. */
  died(pid, at) {
    const strike = this.#deadly.get(pid);
    if (strike) strike.diedAt = Math.min(strike.diedAt, at);
  }

  /** Whether something was done to the worker that ends it. */
  isStruck(pid) {
    return this.#deadly.has(pid) || this.#gentle.has(pid);
  }

  /** Whether the worker was dead to the others, or about to be, by `time`: what it had in hand may be lost. */
  isVictim(pid, time = Infinity) {
    return (this.#deadly.get(pid)?.at ?? Infinity) <= time;
  }

  /** The deadly strikes whose victim lived at some moment between `from` and `to`, and was gone before `to`. */
  deathsBetween(from, to) {
    return [...this.#deadly.values()].filter(({ at, diedAt }) => at - LAG <= to && diedAt + LAG >= from);
  }

  /**
   * The strike that excuses a failed request; undefined where none does. Only a reset can be excused: a request
   * that a dead process had taken. Over a connection that process had answered on before, it may have been sent
   * until the process was gone; over a new one, only until it was struck: nobody was handed to it after that.
   */
  excuse({ outcome, servedBy, sentAt, endedAt }) {
    if (outcome !== 'reset') return undefined;
    const strike = this.deathsBetween(sentAt, endedAt).find(({ kind, pid, at, diedAt }) => {
      if (endedAt < at || sentAt > diedAt + LAG) return false;
      if (servedBy !== undefined) return servedBy === pid;
      return sentAt <= (kind === 'kill' ? diedAt : at) + LAG;
    });
    if (strike) strike.excused += 1;
    return strike;
  }

  /** Requests excused, by kind of strike. */
  get excused() {
    const kinds = {};
    for (const { kind, excused } of this.#deadly.values()) kinds[kind] = (kinds[kind] ?? 0) + excused;
    return kinds;
  }
}
