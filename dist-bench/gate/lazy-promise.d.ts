/**
 * A promise whose work starts when it is first awaited. Nest's scanner tells a dynamic module that is to
 * come by `instanceof Promise` and then awaits it, so importing a file that calls `forRoot` starts nothing.
 */
export declare class LazyPromise<T> extends Promise<T> {
    private readonly work;
    private begun;
    /** Promises derived from this one are ordinary. */
    static get [Symbol.species](): PromiseConstructor;
    constructor(work: () => Promise<T>);
    then<R1 = T, R2 = never>(onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null, onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null): Promise<R1 | R2>;
    catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T | R>;
    finally(onFinally?: (() => void) | null): Promise<T>;
}
