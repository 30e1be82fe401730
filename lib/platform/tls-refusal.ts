/** Codes of Node and OpenSSL for: TLS keeps the two ends apart, or only one of them speaks it. */
const CODE =
  /^(CERT_|CRL_|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT|HOSTNAME_MISMATCH$|INVALID_(CA|PURPOSE)$|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO$)/;

/** Whether an error of a connection says that TLS refuses it: a wrong certificate, authority or name. Waiting mends none of these. */
export function isTlsRefusal(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && CODE.test(code);
}
