import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The generator looks every so many ms how many requests are due. */
const TICK = 4;

/** Every way a request can end. `refused` and `reset` by error code, `timeout` by the client's own clock. */
export const OUTCOMES = ['ok', 'refused', 'reset', 'timeout', '5xx', 'other'];

/** All outcomes of requests that failed. */
export const FAILURES = OUTCOMES.slice(1);

/** Steady is: for so long (ms) every request was answered, and 19 of 20 within so many ms. */
const STEADY_TIME = 1_000;
const STEADY_LATENCY = 250;

/** A site that is not steady by then has too little of the machine to say anything about it, in ms. */
const STEADY_TIMEOUT = 30_000;

const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

/** An empty book. */
export function emptyBook() {
  return { sent: 0, ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) };
}

/** The sum of books. */
export function sumBooks(books) {
  return books.reduce((sum, book) => {
    for (const key of Object.keys(sum)) sum[key] += book[key];
    return sum;
  }, emptyBook());
}

/** What `later` has more than `earlier`. */
export function difference(later, earlier) {
  return Object.fromEntries(Object.keys(later).map((key) => [key, later[key] - earlier[key]]));
}

/** How many requests of the book failed. */
export function failed(book) {
  return FAILURES.reduce((sum, outcome) => sum + book[outcome], 0);
}

/**
 * An open loop: requests leave by the clock, whether or not earlier ones were answered, as clients do that
 * know nothing of each other. Every request ends in exactly one outcome of its book.
 */
export class Load {
  book = emptyBook();
  /**
   * Each request that failed: { outcome, sentAt, endedAt, reason, servedBy }, by performance.now(). `servedBy` is
   * the pid that answered on the same connection before; undefined where the connection was a new one.
   */
  failures = [];
  /** Requests on their way. */
  inFlight = 0;
  /** The longest the generator itself was late, in ms; the numbers mean little if that is long. */
  late = 0;
  #options;
  #agent;
  #timer;
  #startedAt;
  #sentByClock = 0;
  #idle;
  #latencies = [];
  #servers = new WeakMap();

  /**
   * `rate` in requests/s, `timeout` in ms; `spare`: how many connections the client keeps open that it does not
   * need now. The fewer, the sooner each is used again.
   */
  constructor({ port, rate, keepAlive, timeout, path = '/work', spare = Infinity }) {
    this.#options = { port, rate, timeout, path };
    // First in, first out: every connection is used in turn and none is left idle until the server closes it.
    this.#agent = new http.Agent({ keepAlive, maxFreeSockets: spare, scheduling: 'fifo' });
  }

  start() {
    this.#startedAt = performance.now();
    let last = this.#startedAt;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.late = Math.max(this.late, now - last - TICK);
      last = now;
      const due = Math.floor(((now - this.#startedAt) * this.#options.rate) / 1000);
      for (; this.#sentByClock < due; this.#sentByClock++) this.#send();
    }, TICK);
    return this;
  }

  /**
   * Resolves when the site answers as it should, before anything is done to it.
   *
   * @throws Error when it never does: what fails later would be the machine's doing, not the fault's
   */
  async steady() {
    const deadline = performance.now() + STEADY_TIMEOUT;
    while (performance.now() < deadline) {
      this.#latencies = [];
      const before = failed(this.book);
      await sleep(STEADY_TIME);
      const sorted = this.#latencies.sort((a, b) => a - b);
      if (failed(this.book) === before && sorted[Math.floor(sorted.length * 0.95)] <= STEADY_LATENCY)
        return this.#settled();
    }
    throw new Error(`The machine is too busy: not steady within ${STEADY_TIMEOUT} ms before any fault`);
  }

  /** No new requests; resolves when each that was sent has its outcome. Throws if the book does not balance. */
  async stop() {
    clearInterval(this.#timer);
    if (this.inFlight > 0) await new Promise((resolve) => (this.#idle = resolve));
    this.#agent.destroy();
    const settled = this.book.ok + failed(this.book);
    if (settled !== this.book.sent) throw new Error(`The book does not balance: ${JSON.stringify(this.book)}`);
    return this.book;
  }

  /** Nothing leaves any more; what is on its way is given up. */
  abort() {
    clearInterval(this.#timer);
    this.#agent.destroy();
  }

  /** The book begins here: requests of before that are answered later count, with their answers. */
  #settled() {
    this.book = { ...emptyBook(), sent: this.inFlight };
    this.failures = [];
    this.late = 0;
    this.#startedAt = performance.now();
    this.#sentByClock = 0;
    return this;
  }

  #send() {
    const { port, path, timeout } = this.#options;
    const sentAt = performance.now();
    this.book.sent += 1;
    this.inFlight += 1;
    let open = true;
    let connection;
    let servedBy;
    const settle = (outcome, reason) => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      this.book[outcome] += 1;
      if (outcome === 'ok') this.#latencies.push(performance.now() - sentAt);
      else this.failures.push({ outcome, reason, sentAt, endedAt: performance.now(), servedBy });
      this.inFlight -= 1;
      if (this.inFlight === 0) this.#idle?.();
    };
    const timer = setTimeout(() => {
      settle('timeout', `no answer within ${timeout} ms`);
      request.destroy();
    }, timeout);
    const broken = (error) => settle(outcomeOf(error), `${error.code ?? ''} ${error.message}`);
    const request = http.get({ host: '127.0.0.1', port, path, agent: this.#agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      response.on('error', broken);
      response.on('end', () => {
        const [outcome, reason] = verdict(response, body);
        if (outcome === 'ok') this.#servers.set(connection, JSON.parse(body).pid);
        settle(outcome, reason);
      });
    });
    request.on('socket', (socket) => {
      connection = socket;
      servedBy = this.#servers.get(socket);
    });
    request.on('error', broken);
  }
}

function verdict({ statusCode, complete }, body) {
  if (!complete) return ['reset', 'the answer was cut off'];
  if (statusCode >= 500) return ['5xx', `status ${statusCode}`];
  return statusCode === 200 && body.startsWith('{"pid":') ? ['ok'] : ['other', `status ${statusCode}: ${body}`];
}

function outcomeOf({ code }) {
  if (code === 'ECONNREFUSED') return 'refused';
  return RESETS.has(code) ? 'reset' : 'other';
}
