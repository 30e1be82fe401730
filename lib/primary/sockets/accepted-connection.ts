import type { AcceptedHandle } from './bind.js';

/** A connection that the primary holds, for the server that listens on `key`. */
export interface AcceptedConnection {
  readonly key: string;
  readonly handle: AcceptedHandle;
  /** The bytes that were already read from it, as base64. */
  head?: string;
}
