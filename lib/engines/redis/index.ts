import type { EngineProvider } from '../../bus/engine.interface.js';
import { resolveRedisOptions, type RedisOptions } from './options.js';
import { loadPackages } from './packages.js';
import { RedisEngine } from './redis-engine.js';

export type { RedisOptions } from './options.js';

/**
 * Connects the hosts by Redis, as `messenger: { engine: redis({ url }) }`: the messenger, `runOnce` and the leader
 * election then include every worker of every host. Needs Redis 6.2 or newer (one server, or a primary found by
 * Sentinel) with `appendonly yes` and `maxmemory-policy noeviction`, and the packages `ioredis` and `bullmq`.
 *
 * @throws ClusterOptionsError if an option is invalid
 * @publicApi
 */
export function redis(options?: RedisOptions): EngineProvider {
  const resolved = resolveRedisOptions(options);
  return {
    name: 'Redis',
    create: async (context) => new RedisEngine(await loadPackages(), resolved, context),
  };
}
