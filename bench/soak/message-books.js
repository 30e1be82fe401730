import { Deliveries } from './deliveries.js';

/**
 * The messenger's books, from what the processes wrote down: every task and every question settles exactly once,
 * tasks of one id share one run and one result, and broadcasts arrive once and in order. What breaks that without
 * a strike that excuses it is told to `violated`.
 */
export class MessageBooks {
  counts = { broadcasts: 0, deliveries: 0, tasks: 0, reruns: 0, maps: 0, memberLost: 0, unheard: 0, broken: 0 };
  #strikes;
  #violated;
  #deliveries;
  /** What each worker waits for: `pid.call`. */
  #waiting = new Map();
  /** By id: each run, and the run whose result was given out. */
  #tasks = new Map();

  constructor(strikes, violated) {
    this.#strikes = strikes;
    this.#violated = (words) => {
      this.counts.broken += 1;
      violated(words);
    };
    this.#deliveries = new Deliveries(strikes, this.#violated, this.counts);
  }

  /** Takes in a line of the journal. */
  enter(entry) {
    switch (entry.what) {
      case 'asked':
      case 'mapped':
        return this.#opened(entry);
      case 'ran':
        return this.#ran(entry);
      case 'answered':
        return this.#answered(entry);
      case 'collected':
        return this.#collected(entry);
      case 'untold':
        return this.#violated(`a broadcast of ${entry.pid} was refused: ${entry.error}`);
      default:
        return this.#deliveries.enter(entry);
    }
  }

  /** Nobody lives any more: what is open now stays open. */
  close() {
    this.#deliveries.close();
    for (const { what, pid, call, id } of this.#waiting.values()) {
      if (this.#strikes.isVictim(pid)) this.counts.unheard += 1;
      else this.#violated(`call ${call} of ${pid} never settled (${what} ${id ?? ''})`);
    }
    for (const [id, { runs, result }] of this.#tasks) {
      this.counts.reruns += runs.length - 1;
      const needless = runs.slice(0, -1).filter(({ pid }) => !this.#strikes.isVictim(pid));
      if (needless.length > 0)
        this.#violated(`task ${id} ran again although its worker lived: ${JSON.stringify(runs)}`);
      if (result && !runs.some(({ run }) => run === result)) this.#violated(`task ${id}: nobody ran ${result}`);
    }
  }

  #opened(entry) {
    this.counts[entry.what === 'asked' ? 'tasks' : 'maps'] += 1;
    this.#waiting.set(`${entry.pid}.${entry.call}`, entry);
  }

  /** Takes the call off those that wait; a second settlement finds nothing. */
  #settled({ pid, call, what }) {
    const key = `${pid}.${call}`;
    const opened = this.#waiting.get(key);
    if (!opened) this.#violated(`call ${call} of ${pid} settled a second time (${what})`);
    this.#waiting.delete(key);
    return opened;
  }

  #ran({ pid, id, run, attempt }) {
    this.#task(id).runs.push({ pid, run, attempt });
  }

  #answered(entry) {
    this.#settled(entry);
    const { id, result, error } = entry;
    if (error) return this.#violated(`task ${id} of ${entry.pid} failed: ${error}`);
    const task = this.#task(id);
    task.result ??= result.run;
    if (result.id !== id || result.run !== task.result) {
      this.#violated(`task ${id}: ${entry.pid} got ${JSON.stringify(result)}, another ${task.result}`);
    }
  }

  #task(id) {
    if (!this.#tasks.has(id)) this.#tasks.set(id, { runs: [], result: undefined });
    return this.#tasks.get(id);
  }

  #collected(entry) {
    const opened = this.#settled(entry);
    if (entry.error) return this.#violated(`a map of ${entry.pid} failed: ${entry.error}`);
    const { slots, failed } = entry;
    if (slots.length === 0 || new Set(slots).size !== slots.length) this.#violated(`a map asked the slots [${slots}]`);
    for (const { slot, name, text } of failed) {
      const excused = name === 'MemberLostError' && this.#strikes.deathsBetween(opened?.at ?? 0, entry.at).length > 0;
      if (excused) this.counts.memberLost += 1;
      else this.#violated(`a map of ${entry.pid}: slot ${slot}: ${text}`);
    }
  }
}
