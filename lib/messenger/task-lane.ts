/** Runs at most `limit` jobs at a time; the others wait in order. */
export class TaskLane {
  #running = 0;
  readonly #queue: (() => PromiseLike<unknown> | undefined)[] = [];

  constructor(private readonly limit: number) {}

  /** `job` must not throw or reject; it returns undefined when it is done already. */
  run(job: () => PromiseLike<unknown> | undefined): void {
    this.#queue.push(job);
    this.#next();
  }

  #next(): void {
    while (this.#running < this.limit) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#running++;
      const pending = job();
      if (pending === undefined) this.#running--;
      else void pending.then(() => this.#done());
    }
  }

  #done(): void {
    this.#running--;
    this.#next();
  }
}
