import { memory } from '../shared/process-table.js';
import { median } from '../shared/statistics.js';

const MB = 1024 * 1024;

/** How often memory is looked at, in ms. */
const INTERVAL = 2_000;

/** The first part of a run is warm-up: caches fill, code is compiled. */
const WARM_UP_SHARE = 0.15;

/** Memory over time, of the primary and of the ready workers. */
export class Footprint {
  #samples = [];
  #timer;

  /** `workers()`: pids of the ready ones. */
  constructor(primary, workers) {
    this.#timer = setInterval(() => {
      const sizes = workers()
        .map((pid) => memory(pid).rss / MB)
        .filter((size) => size > 0);
      const sample = { at: Date.now(), primary: memory(primary).rss / MB, workers: sizes };
      if (sample.primary > 0 && sizes.length > 0) this.#samples.push(sample);
    }, INTERVAL);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** Since `from` (ms): the middle size of the primary and of a worker, in MB. */
  since(from) {
    const samples = this.#samples.filter(({ at }) => at >= from);
    return middle(samples);
  }

  /** The first third after warm-up, and the last third. */
  thirds() {
    const warm = this.#samples.slice(Math.floor(this.#samples.length * WARM_UP_SHARE));
    const third = Math.floor(warm.length / 3);
    return { first: middle(warm.slice(0, third)), last: middle(warm.slice(-third)) };
  }
}

function middle(samples) {
  return {
    primary: median(samples.map(({ primary }) => primary)),
    worker: median(samples.flatMap(({ workers }) => workers)),
  };
}
