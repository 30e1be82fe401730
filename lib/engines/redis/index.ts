import type { EngineProvider } from '../../bus/engine.interface.js';
import { resolveRedisOptions, type RedisOptions } from './options.js';
import { loadPackages } from './packages.js';
import { RedisEngine } from './redis-engine.js';

export type { RedisOptions } from './options.js';

/**
 * Redis for `messenger: { engine: redis({ url }) }`: the messenger, runOnce and the leader span every worker of every
 * host. Needs Redis 6.2 or newer, one server or a primary found by Sentinel, with `appendonly yes` and
 * `maxmemory-policy noeviction`, and the packages `ioredis` and `bullmq`.
 *
 * @throws ClusterOptionsError for options that cannot be used
 * @publicApi
 */
export function redis(options?: RedisOptions): EngineProvider {
  const resolved = resolveRedisOptions(options);
  return {
    name: 'Redis',
    create: async (context) => new RedisEngine(await loadPackages(), resolved, context),
  };
}
