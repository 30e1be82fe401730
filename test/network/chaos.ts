import { setTimeout as pass } from 'node:timers/promises';
import { now } from '../e2e/fixtures/src/network/record.js';
import type { DisturbedCluster } from './disturbed-cluster.js';
import { describeFault } from './faults.js';
import type { Schedule, Step } from './schedule.js';

/** Runs both lanes of the schedule on the cluster. Resolves when the last fault is over. */
export async function suffer(
  cluster: DisturbedCluster,
  { network, processes }: Schedule,
  say: (line: string) => void,
): Promise<void> {
  const begin = now();
  let hasFailed = false;
  const run = async (steps: readonly Step[]) => {
    for (const { at, ms, fault } of steps) {
      await pass(Math.max(0, begin + at - now()));
      if (hasFailed) return;
      say(`${((now() - begin) / 1_000).toFixed(0).padStart(4)} s  ${describeFault(fault)}, for ${ms / 1_000} s`);
      if (!(await cluster.suffer(fault, ms)))
        say('        not done: the brokers have not recovered from the last fault');
    }
  };
  const lanes = [network, processes].map((steps) =>
    run(steps).catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
}
