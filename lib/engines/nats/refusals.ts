import { isTlsRefusal } from '../../platform/tls-refusal.js';

/** Names of errors of the client that say that who asks, or how, is wrong. */
const WRONG: ReadonlySet<string> = new Set([
  'AuthorizationError',
  'UserAuthenticationExpiredError',
  'PermissionViolationError',
  'InvalidArgumentError',
  'TypeError',
  'JetStreamNotEnabled',
]);

/** What only the client's text tells: no NATS server, or one without TLS where that was asked for. */
const WRONG_SERVER = /unexpected response from server|server does not support 'tls'/;

/** A server that is busy ends a login that takes too long by an error of authorization. */
const TOO_SLOW = /authentication timeout/i;

/** JetStream's words for a bad request that is none: the servers that are to keep the replicas are not there yet. */
const NO_PEERS = 10005;

/** Whether NATS refuses for good: nothing but a change of options, or of the server's, mends it. */
export function isRefusal(error: unknown): boolean {
  const { name, message, status, code } = error as Record<'name' | 'message' | 'status' | 'code', unknown>;
  if (TOO_SLOW.test(String(message))) return false;
  // Of JetStream: it has understood, and says no. From 500 on it cannot answer just now.
  if (name === 'JetStreamApiError') return status === 400 && code !== NO_PEERS;
  return WRONG.has(String(name)) || WRONG_SERVER.test(String(message)) || isTlsRefusal(error);
}
