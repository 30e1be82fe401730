import { describe, expect, it } from '@jest/globals';
import { installedVersion } from '../../../lib/platform/installed-version.js';

describe('installedVersion', () => {
  it.each(['ioredis', 'bullmq', '@nats-io/transport-node', '@nats-io/kv'])('knows that of %s', (name) => {
    expect(installedVersion(name)).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('finds a package.json that the exports of its package hide', () => {
    expect(installedVersion('@nats-io/jetstream')).toMatch(/^3\./);
  });

  it('knows none of a package that is not installed', () => {
    expect(installedVersion('nobody-has-this')).toBeUndefined();
  });
});
