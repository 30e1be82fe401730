import { isTlsRefusal } from '../../platform/tls-refusal.js';

/** Error names of the client for wrong credentials, permissions or arguments. */
const WRONG: ReadonlySet<string> = new Set([
  'AuthorizationError',
  'UserAuthenticationExpiredError',
  'PermissionViolationError',
  'InvalidArgumentError',
  'TypeError',
  'JetStreamNotEnabled',
]);

/** Errors that only the text identifies: not a NATS server, or one without TLS although TLS was requested. */
const WRONG_SERVER = /unexpected response from server|server does not support 'tls'/;

/** A busy server ends a login that takes too long with an authorization error. */
const TOO_SLOW = /authentication timeout/i;

/** JetStream's code for a "bad request" that is none: the servers for the replicas are not there yet. */
const NO_PEERS = 10005;

/** Whether NATS refuses permanently: only a change of the options or of the server can help. */
export function isRefusal(error: unknown): boolean {
  const { name, message, status, code } = error as Record<'name' | 'message' | 'status' | 'code', unknown>;
  if (TOO_SLOW.test(String(message))) return false;
  // JetStream has understood the request and refuses it. From status 500 on, it only cannot answer now.
  if (name === 'JetStreamApiError') return status === 400 && code !== NO_PEERS;
  return WRONG.has(String(name)) || WRONG_SERVER.test(String(message)) || isTlsRefusal(error);
}
