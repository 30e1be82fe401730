import { describe, expect, it } from '@jest/globals';
import { HealthChecks } from '../../../../lib/worker/drain/health-checks.js';
import type { HostApplication } from '../../../../lib/worker/nest-application.js';

/** An application whose only module has these providers. */
function applicationOf(...instances: unknown[]): HostApplication {
  const providers = new Map(instances.map((instance, key) => [key, { instance }]));
  return { get: () => new Map([['module', { providers }]]), close: async () => {} } as unknown as HostApplication;
}

/** As Terminus 12 has it. */
const executor = () => ({
  isShuttingDown: false,
  options: { gracefulShutdownTimeoutMs: 500 },
  executeHealthIndicators: () => {},
  beforeApplicationShutdown(signal?: string) {
    this.isShuttingDown = true;
    return signal;
  },
});

describe('the health checks of an application', () => {
  it('say that it shuts down from then on, and their waiting is taken over', () => {
    const [checks, found] = [new HealthChecks(), executor()];
    checks.add(applicationOf(null, 'a value', {}, found));
    expect(checks.unreadyTime).toBe(500);
    expect(found.isShuttingDown).toBe(false);
    checks.shutDown();
    expect(found.isShuttingDown).toBe(true);
    expect(found.beforeApplicationShutdown('SIGTERM')).toBeUndefined();
  });

  it('are found beside a provider that refuses whatever Nest itself does not read of it', () => {
    const READ_BY_NEST = new Set(['then', 'onApplicationBootstrap', 'beforeApplicationShutdown']);
    const strict = new Proxy(
      {},
      {
        get(_, name) {
          if (!READ_BY_NEST.has(String(name))) throw new Error(`${String(name)} of no request`);
          return undefined;
        },
      },
    );
    const [checks, found] = [new HealthChecks(), executor()];
    checks.add(applicationOf(strict, found));
    checks.shutDown();
    expect(found.isShuttingDown).toBe(true);
  });
});
