import {
  BackpressureError,
  ClusterTimeoutError,
  MemberLostError,
  NotConnectedError,
  type ClusterError,
} from '../errors/errors.js';
import { ThrottledWarning } from '../platform/throttled-warning.js';

/** The errors that calls reject with while a broker is away or slow, or members behind it are gone. */
const OUTAGE_ERRORS = [NotConnectedError, BackpressureError, ClusterTimeoutError, MemberLostError];

/** The facts that decide whether an unhandled rejection is a lost call. */
export interface RejectionFacts {
  readonly reason: unknown;
  /** The messenger spans several hosts by a broker. */
  readonly isOverBroker: boolean;
  /** The application has booted; before that, an unhandled rejection is a failed boot. */
  readonly isReady: boolean;
  /** The user set the option `onUnhandledRejection`, which then decides alone. */
  readonly isDecidedByUser: boolean;
}

/**
 * Whether an unhandled rejection comes from a call that nobody awaits and that failed in the way calls fail in an
 * outage of the broker. Such a rejection says nothing about the state of this process.
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

  /** @returns whether the rejection was a lost call; if so, it has been logged */
  take(facts: RejectionFacts): boolean {
    if (!isLostCall(facts)) return false;
    this.warning.due(facts.reason.message);
    return true;
  }
}
