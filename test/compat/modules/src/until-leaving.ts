import type { ClusterService } from 'nestjs-cluster';
import { setTimeout } from 'node:timers/promises';

/** Between two looks, in ms. */
const INTERVAL = 20;

/** Resolves when this worker is no member of the cluster any more: it drains. */
export async function untilLeaving(cluster: ClusterService): Promise<void> {
  while (cluster.members().some(({ pid }) => pid === process.pid)) await setTimeout(INTERVAL);
}
