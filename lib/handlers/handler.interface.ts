import type { ClusterEventContext } from '../events/cluster-event-context.js';

/** Handles one event in this process. */
export interface Handler {
  /** The handler's name in log lines, usually `Class.method`. */
  readonly label: string;
  /** How many tasks it may run at once; undefined: no limit. */
  readonly concurrency?: number;
  /**
   * False for a handler that only watches broadcasts (`events$`): it does not answer `map`, `send` or `consume`.
   */
  readonly answers: boolean;
  /** True if it was added by a call such as `messenger.on`, and so may be removed at any time. */
  readonly isByCall?: boolean;
  /** Runs the handler's synchronous part at once. Returns the result or a promise of it; may throw. */
  invoke(data: unknown, context: ClusterEventContext): unknown;
}
