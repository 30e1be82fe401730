/**
 * A promise whose work starts when it is first awaited. Nest's scanner tells a dynamic module that is to
 * come by `instanceof Promise` and then awaits it, so importing a file that calls `forRoot` starts nothing.
 */
export class LazyPromise<T> extends Promise<T> {
  private readonly work: () => Promise<T>;
  private begun: Promise<T> | undefined;

  /** Promises derived from this one are ordinary. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(work: () => Promise<T>) {
    super(() => {});
    this.work = work;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being thenable in its own way is the purpose
  override then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    this.begun ??= this.work();
    return this.begun.then(onFulfilled, onRejected);
  }

  override catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T | R> {
    return this.then(undefined, onRejected);
  }

  override finally(onFinally?: (() => void) | null): Promise<T> {
    this.begun ??= this.work();
    return this.begun.finally(onFinally);
  }
}
