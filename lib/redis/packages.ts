import { loadEnginePackages } from '../options/engine-options.js';

/** The packages that speak to Redis; peers of this one, and optional there. */
export interface RedisPackages {
  readonly ioredis: typeof import('ioredis');
  readonly bullmq: typeof import('bullmq');
}

const NAMES = ['ioredis', 'bullmq'];

/** @throws ClusterOptionsError for a package that is not installed, with the command that installs it */
export async function loadPackages(
  load: (name: string) => Promise<unknown> = (name) => import(name),
): Promise<RedisPackages> {
  const [ioredis, bullmq] = await loadEnginePackages('redis()', NAMES, load);
  return { ioredis, bullmq } as RedisPackages;
}
