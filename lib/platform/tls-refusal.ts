/** Error codes of Node and OpenSSL if TLS fails between the two ends, or only one of them speaks it. */
const CODE =
  /^(CERT_|CRL_|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT|HOSTNAME_MISMATCH$|INVALID_(CA|PURPOSE)$|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO$)/;

/** Whether TLS refuses a connection because of a wrong certificate, authority or name. Waiting does not help. */
export function isTlsRefusal(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && CODE.test(code);
}
