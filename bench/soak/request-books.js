import { failed, Load, sumBooks } from '../faults/load.js';

/** How often failures get their wall-clock time: the two clocks drift apart in half an hour. In ms. */
const STAMP_INTERVAL = 1_000;

/**
 * Connections a client keeps beyond those it needs now: after a hang it has hundreds, and each would lie idle until
 * its server gives it up in the very moment it is used again.
 */
const SPARE_CONNECTIONS = 50;

/** The clients: one half keeps its connections, the other opens one for each request. */
export class RequestBooks {
  #loads;
  #strikes;
  #timer;
  #stamped = new Map();

  constructor({ rate, timeout }, port, strikes) {
    this.#strikes = strikes;
    this.#loads = [
      { name: 'keep-alive', keepAlive: true },
      { name: 'one connection per request', keepAlive: false },
    ].map(({ name, keepAlive }) => {
      const options = { port, rate: rate / 2, timeout, keepAlive, spare: SPARE_CONNECTIONS };
      return { name, load: new Load(options) };
    });
  }

  /** Begins; resolves when the site answers as it should. @throws where it does not */
  async start() {
    this.#timer = setInterval(() => this.#stamp(), STAMP_INTERVAL);
    await Promise.all(this.#loads.map(({ load }) => load.start().steady()));
  }

  /** No new requests; resolves when each has its outcome. @throws where a book does not balance */
  async stop() {
    await Promise.all(this.#loads.map(({ load }) => load.stop()));
    this.#stamp();
    clearInterval(this.#timer);
  }

  /** Gives up. */
  abort() {
    for (const { load } of this.#loads) load.abort();
    this.#stamp();
    clearInterval(this.#timer);
  }

  get total() {
    return sumBooks(this.#loads.map(({ load }) => load.book));
  }

  /** The longest the generator itself was late, in ms. */
  get late() {
    return Math.max(...this.#loads.map(({ load }) => load.late));
  }

  /** Each half: its book, whether it balances, its failures, and those that no strike excuses. */
  settle() {
    return this.#loads.map(({ name, load: { book, failures } }) => {
      const timed = failures.map((failure) => this.#stamped.get(failure));
      const unexcused = timed.filter((failure) => !this.#strikes.excuse(failure));
      return { name, book, balances: book.ok + failed(book) === book.sent, failures: timed, unexcused };
    });
  }

  /** Failures that are new get the wall-clock times strikes are noted by. */
  #stamp() {
    const offset = Date.now() - performance.now();
    for (const failure of this.#loads.flatMap(({ load }) => load.failures)) {
      if (this.#stamped.has(failure)) continue;
      const { sentAt, endedAt } = failure;
      this.#stamped.set(failure, { ...failure, sentAt: sentAt + offset, endedAt: endedAt + offset });
    }
  }
}
