import { printable } from '../platform/printable.js';

const BRAND = Symbol.for('nestjs-cluster.error');

/**
 * The base of every error this package raises on its own account.
 *
 * `code` is stable and made for programs; `message` names what was refused, its value and the remedy.
 * What it quotes of others, such as the name of an event, is written without control characters.
 * `instanceof` survives two copies of the package in one process: classes are matched by code.
 *
 * @publicApi
 */
export class ClusterError extends Error {
  /** Stable identifier of the kind of failure, e.g. `ERR_CLUSTER_TIMEOUT`. */
  readonly code: string;
  /** The codes an error of this class or of a subclass may carry; none means any. */
  static readonly code: string | undefined = undefined;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
    this.name = new.target.name;
    Object.defineProperty(this, BRAND, { value: true });
  }

  static override [Symbol.hasInstance](
    this: Function & { readonly code?: string | undefined },
    value: unknown,
  ): boolean {
    if (typeof value !== 'object' || value === null) return false;
    try {
      if (!(BRAND in value)) return false;
      if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
      return this.code === undefined
        ? (this as unknown) === ClusterError
        : (value as { code?: unknown }).code === this.code;
    } catch {
      // A proxy that cannot be asked, such as one that was revoked.
      return false;
    }
  }
}
