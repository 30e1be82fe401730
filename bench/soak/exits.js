/** Why each worker ended. One that ended otherwise than by the primary's graceful word has to have been struck. */
export class Exits {
  count = 0;
  #cluster;
  #strikes;
  #violated;

  constructor(cluster, strikes, violated) {
    this.#cluster = cluster;
    this.#strikes = strikes;
    this.#violated = violated;
  }

  /** Takes in a line of the journal. */
  enter({ what, worker, code, signal, at }) {
    if (what !== 'exit') return;
    this.count += 1;
    this.#strikes.died(worker, at);
    const { bad, served } = this.#cluster;
    if (code === 0 || this.#strikes.isStruck(worker) || bad.has(worker)) return;
    // One that still boots when it is not wanted any more is killed: it has nothing in hand.
    if (signal === 'SIGKILL' && !served.has(worker)) return;
    this.#violated(`worker ${worker} ended with ${signal ?? `code ${code}`}, and nothing had been done to it`);
  }
}
