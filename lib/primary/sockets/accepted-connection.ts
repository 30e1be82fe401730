import type { AcceptedHandle } from './bind.js';

/** A connection in the primary's hand, for the server that listens on `key`. */
export interface AcceptedConnection {
  readonly key: string;
  readonly handle: AcceptedHandle;
  /** What was read from it already, in base64. */
  head?: string;
}
