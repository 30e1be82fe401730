import { decode } from '../codec/codec.js';
import type { Address, Answer } from '../bus/bus.interface.js';
import { ClusterTimeoutError, MemberLostError, NoHandlerError, NotConnectedError } from '../errors/errors.js';
import { decodeError } from './remote-errors.js';

/** Describes a call, for its answers and error messages. */
export interface CallInfo {
  /** The call as the user wrote it, e.g. `consume('image.resize')`. */
  readonly label: string;
  readonly event: string;
  /** In ms. */
  readonly timeout: number;
}

/**
 * Returns the handler's return value from an answer.
 *
 * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError or MemberLostError.
 */
export function valueOf(answer: Answer, call: CallInfo, where: string): unknown {
  switch (answer.outcome) {
    case 'ok':
      return decode(answer.payload);
    case 'error':
      throw decodeError(answer.payload, answer.slot);
    case 'no-handler':
      throw new NoHandlerError(call.event, where);
    case 'expired':
      throw timedOut(call, 'the deadline passed before the handler was started');
    case 'stopping':
      throw clusterStops(call);
    case 'lost':
      throw new MemberLostError(
        answer.slot,
        `${call.label}: each worker that ran the task died, the last in slot ${answer.slot}, and its redeliveries are ` +
          `used up. See the primary's log for why they died; the option redeliveries allows more.`,
      );
  }
}

/** Creates a ClusterTimeoutError that says what the call was waiting for, and what to do. */
export function timedOut(call: CallInfo, what: string): ClusterTimeoutError {
  return new ClusterTimeoutError(
    `${call.label} timed out after ${call.timeout} ms: ${what}. Give the call a longer timeout (ms), or make its ` +
      `handler faster.`,
  );
}

/** Creates the error for a call that will not be answered because the cluster is stopping. */
export function clusterStops(call: CallInfo): NotConnectedError {
  return new NotConnectedError(
    `${call.label}: the cluster stops, and no worker is left that could answer. Make calls before the app shuts down, ` +
      `not in its shutdown hooks.`,
  );
}

/** Like `timedOut`, for a call during which no worker became ready. */
export function noWorkerReady(call: CallInfo, what = 'no worker became ready'): ClusterTimeoutError {
  return new ClusterTimeoutError(
    `${call.label} timed out after ${call.timeout} ms: ${what}. A worker is ready once its app has ` +
      `finished bootstrapping, so awaiting this call inside onModuleInit or onApplicationBootstrap cannot work: ` +
      `do not await it there, or make it later.`,
  );
}

/** The name of an address in messages. */
export function placeOf(address: Address): string {
  return address === 'primary' ? 'the primary' : `slot ${address}`;
}
