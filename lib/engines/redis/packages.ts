import { loadEnginePackages, type PackageSource } from '../../options/engine-options.js';
import { installedVersion } from '../../platform/installed-version.js';

/** The packages that speak to Redis; peers of this one, and optional there. */
export interface RedisPackages {
  readonly ioredis: typeof import('ioredis');
  readonly bullmq: typeof import('bullmq');
}

/** BullMQ's backends, on which the engine builds, came with 6. */
const WANTED = { ioredis: [5, 6], bullmq: [6] };

/** @throws ClusterOptionsError for a package that is not installed or has another version, with the remedy */
export async function loadPackages(
  source: PackageSource = { load: (name) => import(name), version: installedVersion },
): Promise<RedisPackages> {
  const [ioredis, bullmq] = await loadEnginePackages('redis()', WANTED, source);
  return { ioredis, bullmq } as RedisPackages;
}
