/**
 * A promise whose work starts when it is first awaited. Nest's scanner recognises a dynamic module that is still to
 * come by `instanceof Promise` and then awaits it, so importing a file that calls `forRoot` starts nothing.
 * The result may differ between occasions (a context that reads the configuration, then the app). On the same
 * occasion, every await gets the same result.
 */
export class LazyPromise<T> extends Promise<T> {
  private readonly begun = new WeakMap<object, Promise<T>>();

  /** Promises derived from this one are ordinary promises. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** @param occasion called when the promise is awaited; returns undefined for no particular occasion */
  constructor(
    private readonly work: () => Promise<T>,
    private readonly occasion: () => object | undefined = () => undefined,
  ) {
    super(() => {});
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being thenable in its own way is the purpose
  override then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    return this.begin().then(onFulfilled, onRejected);
  }

  override catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T | R> {
    return this.then(undefined, onRejected);
  }

  override finally(onFinally?: (() => void) | null): Promise<T> {
    return this.begin().finally(onFinally);
  }

  private begin(): Promise<T> {
    const occasion = this.occasion() ?? this;
    let begun = this.begun.get(occasion);
    if (begun === undefined) {
      begun = this.work();
      this.begun.set(occasion, begun);
    }
    return begun;
  }
}
