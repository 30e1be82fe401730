import type { ClusterOptions } from 'nestjs-cluster';

/** A test has not the time that production has. */
export const clusterOptions: ClusterOptions = {
  workers: 2,
  reload: { canaryTime: 100 },
  restart: { minDelay: 10 },
  ...(JSON.parse(process.env['CLUSTER_OPTIONS'] ?? '{}') as ClusterOptions),
};
