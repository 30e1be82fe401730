import { eventually } from '../../support/index.js';

/** Between two questions, in ms. */
const INTERVAL = 50;

/** Asks again and again, whether or not it was answered meanwhile, as several clients would. */
export class Asking {
  private readonly pending = new Set<Promise<void>>();
  private readonly failures: unknown[] = [];
  private readonly timer: NodeJS.Timeout;
  private answers = 0;

  /** @param ask rejects where the answer does not come, or is wrong */
  constructor(private readonly ask: () => Promise<unknown>) {
    this.timer = setInterval(() => this.begin(), INTERVAL);
  }

  /** Resolves when `count` more were answered. */
  async answered(count: number): Promise<void> {
    const target = this.answers + count;
    await eventually(() => this.answers >= target, { what: () => `${target} answers, ${String(this.failures[0])}` });
  }

  /** Asks no more, and resolves to what went wrong once all is answered. */
  async finish(): Promise<unknown[]> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
    return this.failures;
  }

  private begin(): void {
    const one = this.ask()
      .then(
        () => void this.answers++,
        (error: unknown) => void this.failures.push(error),
      )
      .finally(() => this.pending.delete(one));
    this.pending.add(one);
  }
}
