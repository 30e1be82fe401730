/**
 * A promise whose work starts when it is first awaited. Nest's scanner tells a dynamic module that is to
 * come by `instanceof Promise` and then awaits it, so importing a file that calls `forRoot` starts nothing.
 */
export class LazyPromise extends Promise {
    work;
    begun;
    /** Promises derived from this one are ordinary. */
    static get [Symbol.species]() {
        return Promise;
    }
    constructor(work) {
        super(() => { });
        this.work = work;
    }
    // oxlint-disable-next-line unicorn/no-thenable -- being thenable in its own way is the purpose
    then(onFulfilled, onRejected) {
        this.begun ??= this.work();
        return this.begun.then(onFulfilled, onRejected);
    }
    catch(onRejected) {
        return this.then(undefined, onRejected);
    }
    finally(onFinally) {
        this.begun ??= this.work();
        return this.begun.finally(onFinally);
    }
}
//# sourceMappingURL=lazy-promise.js.map