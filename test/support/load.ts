import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { eventually } from './eventually.js';
import { request } from './http-client.js';

/**
 * How long a connection may be idle and is used again, in ms: well below the 5 s after which Node's servers close theirs.
 * A client without such a limit meets that close on a machine that holds it up, whatever the server is.
 */
export const CLIENT_IDLE = 2_000;

export interface LoadOptions {
  /** Requests per second, sent whether or not earlier ones were answered. */
  readonly rate?: number;
  /** Reuse connections; otherwise each request has its own. */
  readonly keepAlive: boolean;
  /** A request without a whole response after this many ms has failed. */
  readonly timeout?: number;
}

/** What became of the requests: `sent` is the sum of `ok` and of all `failures`. */
export interface LoadReport {
  readonly sent: number;
  readonly ok: number;
  /** How many failed, by error code or by 'status <code>'. */
  readonly failures: Readonly<Record<string, number>>;
}

/** An open-loop load on one URL: it goes on at its rate whatever the server does, as real clients would. */
export class Load {
  private readonly agent: Agent | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly pending = new Set<Promise<void>>();
  private readonly failures: Record<string, number> = {};
  private readonly begun = Date.now();
  private sent = 0;
  private ok = 0;
  private isOver = false;

  constructor(
    private readonly url: string,
    private readonly options: LoadOptions,
  ) {
    const Kind = url.startsWith('https:') ? SecureAgent : Agent;
    this.agent = options.keepAlive ? new Kind({ keepAlive: true, timeout: CLIENT_IDLE }) : undefined;
    // Not before what has come was read: a client that was held up must not send on connections that were closed meanwhile.
    this.timer = setInterval(() => setImmediate(() => this.catchUp()), 5);
  }

  /** Resolves when `count` more requests have been answered well: the load is on. */
  async answered(count: number): Promise<void> {
    const target = this.ok + count;
    await eventually(() => this.ok >= target, {
      what: () => `${target} good answers, ${JSON.stringify(this.report())}`,
    });
  }

  /** Sends no more, waits for the answers that are due and says what became of each request. */
  async finish(): Promise<LoadReport> {
    this.isOver = true;
    clearInterval(this.timer);
    await Promise.all(this.pending);
    this.agent?.destroy();
    return this.report();
  }

  private report(): LoadReport {
    return { sent: this.sent, ok: this.ok, failures: this.failures };
  }

  /** Sends what is due by now; a late timer makes up for it. */
  private catchUp(): void {
    if (this.isOver) return;
    const due = ((Date.now() - this.begun) / 1000) * (this.options.rate ?? 100);
    while (this.sent < due) {
      this.sent += 1;
      const one = this.send().finally(() => this.pending.delete(one));
      this.pending.add(one);
    }
  }

  private async send(): Promise<void> {
    let failure: string | undefined;
    try {
      const { status } = await request(this.url, { agent: this.agent, timeout: this.options.timeout });
      if (status !== 200) failure = `status ${status}`;
    } catch (error) {
      failure = (error as NodeJS.ErrnoException).code ?? String(error);
    }
    if (failure !== undefined) this.failures[failure] = (this.failures[failure] ?? 0) + 1;
    else this.ok += 1;
  }
}
