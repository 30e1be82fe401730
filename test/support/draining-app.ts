import { fixture } from './environment.js';
import { FixtureApp, type FixtureOptions } from './fixture-app.js';
import { selfSigned } from './self-signed.js';
import type { Apps } from './use-apps.js';

/** Servers of the fixture app `test/e2e/fixtures/src/draining`. */
export type DrainingServer =
  'express' | 'express https' | 'fastify' | 'fastify https' | 'http2 without TLS' | 'http2 with TLS';

/** Resolves when it is ready; where it speaks TLS, `withTls` has its `env`. */
export async function drainingApp(
  apps: Apps,
  server: DrainingServer,
  options: FixtureOptions = {},
): Promise<FixtureApp> {
  return FixtureApp.start(apps, {
    entry: fixture('draining/main'),
    // FixtureApp asks over HTTP/1.1.
    silentHttp: server.startsWith('http2'),
    protocol: isSecure(server) ? 'https' : 'http',
    ...options,
    env: { SERVER: server, ...options.env },
  });
}

/** Runs `test` with the environment that tells a server of its certificate, which is there until `test` ends. */
export async function withTls(test: (env: Record<string, string>) => Promise<void>): Promise<void> {
  const tls = selfSigned();
  try {
    await test({ TLS_KEY: tls.key, TLS_CERT: tls.cert });
  } finally {
    tls.remove();
  }
}

/** Whether `text` is all of what the fixture's `/lines` writes. */
export function areWholeLines(text: string): boolean {
  const lines = text.split('\n');
  return lines.pop() === 'end' && lines.length > 0 && lines.every((line, n) => line === String(n));
}

function isSecure(server: DrainingServer): boolean {
  return server.endsWith('https') || server === 'http2 with TLS';
}
