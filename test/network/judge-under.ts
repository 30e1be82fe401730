import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import type { Setup } from './brokers.js';
import { judge, type Judging, type Verdict } from './checker.js';
import { DisturbedCluster } from './disturbed-cluster.js';
import type { Fault } from './faults.js';

/** How long the load runs before the first fault, in ms. */
const BEFORE = 3_000;
/** How long the load runs after each fault, in ms: its consequences show. */
const AFTER = 8_000;

export interface Step {
  readonly fault: Fault;
  readonly ms: number;
}

/** Starts a cluster under load, causes the faults one after the other, and judges the history. */
export async function judgeUnder(setup: Setup, steps: readonly Step[], judging: Judging): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), `nestjs-cluster-network-${setup}-`));
  const cluster = await DisturbedCluster.start(setup, folder);
  let verdict: Verdict | undefined;
  try {
    await pass(BEFORE);
    for (const { fault, ms } of steps) {
      await cluster.suffer(fault, ms);
      await pass(AFTER);
      await cluster.full();
    }
    verdict = judge(await cluster.finish(), judging);
    const exits = Object.entries(await cluster.stop()).filter(([, code]) => code !== 0);
    if (exits.length > 0) throw new Error(`hosts did not end with 0: ${JSON.stringify(exits)}, see ${folder}`);
    return verdict;
  } finally {
    await cluster.destroy();
    if (verdict?.violations.length === 0) rmSync(folder, { recursive: true, force: true });
  }
}
