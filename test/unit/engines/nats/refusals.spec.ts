import { describe, expect, it } from '@jest/globals';
import { isRefusal } from '../../../../lib/engines/nats/refusals.js';

const error = (name: string, message: string, more: object = {}) => Object.assign(new Error(message), { name }, more);

describe('NATS refuses for good', () => {
  it.each([
    error('AuthorizationError', 'Authorization Violation'),
    error('UserAuthenticationExpiredError', 'user authentication expired'),
    error('PermissionViolationError', 'Permissions Violation for Publish to "$JS.API.INFO"'),
    error('InvalidArgumentError', "'servers','port' are mutually exclusive"),
    error('JetStreamNotEnabled', 'jetstream is not enabled'),
    error('ConnectionError', "server does not support 'tls'"),
    error('Error', 'unexpected response from server'),
    error('Error', 'self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    error('Error', 'Hostname/IP does not match', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
    error('Error', 'certificate has expired', { code: 'CERT_HAS_EXPIRED' }),
    error('Error', 'wrong version number', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }),
    error('JetStreamApiError', 'replicas > 1 not supported in non-clustered mode', { code: 10074, status: 400 }),
  ])('by $name: $message', (refusal) => expect(isRefusal(refusal)).toBe(true));

  it.each([
    error('ConnectionError', 'connection refused'),
    error('TimeoutError', 'timeout'),
    error('AuthorizationError', 'Authentication Timeout'),
    error('ProtocolError', 'maximum connections exceeded'),
    error('Error', 'read ECONNRESET', { code: 'ECONNRESET' }),
    error('Error', 'getaddrinfo ENOTFOUND broker', { code: 'ENOTFOUND' }),
    error('JetStreamApiError', 'JetStream system temporarily unavailable', { code: 10008, status: 503 }),
    error('JetStreamApiError', 'no suitable peers for placement', { code: 10005, status: 400 }),
    error('JetStreamApiError', 'insufficient storage resources available', { code: 10047, status: 500 }),
  ])('and not by $name: $message', (passing) => expect(isRefusal(passing)).toBe(false));
});
