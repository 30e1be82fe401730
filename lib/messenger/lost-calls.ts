import {
  BackpressureError,
  ClusterTimeoutError,
  MemberLostError,
  NotConnectedError,
  type ClusterError,
} from '../errors/errors.js';
import { ThrottledWarning } from '../platform/throttled-warning.js';

/** What calls reject with while a broker is away, slow, or members behind it are gone. */
const OUTAGE_ERRORS = [NotConnectedError, BackpressureError, ClusterTimeoutError, MemberLostError];

/** What decides whether an unhandled rejection is a lost call. */
export interface RejectionFacts {
  readonly reason: unknown;
  /** The messenger spans hosts by a broker. */
  readonly isOverBroker: boolean;
  /** Its application has booted; before that, a rejection is a failed boot. */
  readonly isReady: boolean;
  /** The option `onUnhandledRejection` is given, and decides alone. */
  readonly isDecidedByUser: boolean;
}

/**
 * Whether an unhandled rejection is that of a call which nobody awaits, and which failed as calls do in an outage of
 * the broker: that alone says nothing about the state of this process.
 */
export function isLostCall(facts: RejectionFacts): facts is RejectionFacts & { readonly reason: ClusterError } {
  const { reason, isOverBroker, isReady, isDecidedByUser } = facts;
  return isOverBroker && isReady && !isDecidedByUser && OUTAGE_ERRORS.some((kind) => reason instanceof kind);
}

/** Logs the calls that nobody awaited and that failed in an outage: the first at once, then a count every ten seconds. */
export class LostCalls {
  private readonly warning: ThrottledWarning;

  constructor(warn: (message: string) => void, now: () => number) {
    this.warning = new ThrottledWarning(
      warn,
      now,
      (count, reason) => `${count} messenger call(s) that nobody awaited failed, the last: ${reason}`,
    );
  }

  /** @returns whether it was such a call, which is logged then */
  take(facts: RejectionFacts): boolean {
    if (!isLostCall(facts)) return false;
    this.warning.due(facts.reason.message);
    return true;
  }
}
