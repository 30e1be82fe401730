import type { ClusterEventContext } from '../events/cluster-event-context.js';

/** Something that handles one event in this process. */
export interface Handler {
  /** `Class.method`, or how else a log line names it. */
  readonly label: string;
  /** How many tasks it may run at once; undefined: any number. */
  readonly concurrency?: number;
  /**
   * False for one that only watches broadcasts (`events$`): it is no answer to `map`, `send` or `consume`.
   */
  readonly answers: boolean;
  /** It was added by call, and may be removed at any time. */
  readonly isByCall?: boolean;
  /** Runs the handler's synchronous part at once. Returns its result or a promise of it; may throw. */
  invoke(data: unknown, context: ClusterEventContext): unknown;
}
