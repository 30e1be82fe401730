import { loadEnginePackages, type PackageSource } from '../../options/engine-options.js';
import { installedVersion } from '../../platform/installed-version.js';

/** The Redis client packages, which are optional peer dependencies. */
export interface RedisPackages {
  readonly ioredis: typeof import('ioredis');
  readonly bullmq: typeof import('bullmq');
}

/** The engine uses BullMQ's backends, which exist since version 6. */
const WANTED = { ioredis: [5, 6], bullmq: [6] };

/** @throws ClusterOptionsError if a package is not installed or has another version, with the remedy */
export async function loadPackages(
  source: PackageSource = { load: (name) => import(name), version: installedVersion },
): Promise<RedisPackages> {
  const [ioredis, bullmq] = await loadEnginePackages('redis()', WANTED, source);
  return { ioredis, bullmq } as RedisPackages;
}
