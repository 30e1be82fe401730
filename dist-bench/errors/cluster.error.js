const BRAND = Symbol.for('nestjs-cluster.error');
/**
 * The base of every error this package raises on its own account.
 *
 * `code` is stable and made for programs; `message` names what was refused, its value and the remedy.
 * `instanceof` survives two copies of the package in one process: classes are matched by code.
 *
 * @publicApi
 */
export class ClusterError extends Error {
    /** Stable identifier of the kind of failure, e.g. `ERR_CLUSTER_TIMEOUT`. */
    code;
    /** The codes an error of this class or of a subclass may carry; none means any. */
    static code = undefined;
    constructor(code, message, options) {
        super(message, options);
        this.code = code;
        this.name = new.target.name;
        Object.defineProperty(this, BRAND, { value: true });
    }
    static [Symbol.hasInstance](value) {
        if (typeof value !== 'object' || value === null || !(BRAND in value))
            return false;
        if (Function.prototype[Symbol.hasInstance].call(this, value))
            return true;
        return this.code === undefined ? this === ClusterError : value.code === this.code;
    }
}
//# sourceMappingURL=cluster.error.js.map