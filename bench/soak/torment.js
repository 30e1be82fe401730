import { setTimeout as sleep } from 'node:timers/promises';
import { FAULTS } from './faults.js';

/** Rest between two faults, in ms. */
const REST = [500, 3_000];

/** How often a second fault follows at once, and within how long, in ms. */
const SECOND_SHARE = 0.3;
const SECOND_WITHIN = 1_500;

/** The cluster is itself again within this long after a fault, in ms. */
const SETTLE_TIMEOUT = 60_000;

/**
 * Does one thing after another to the cluster until `endsAt` (ms, wall clock), and waits each time until all its
 * workers are ready again. Never takes the last worker that serves: in round-robin, clients would be refused.
 * Resolves to what was done; what did not end as it should is told to `soak.violated`.
 */
export async function torment(soak, endsAt) {
  const { cluster, random, violated } = soak;
  while (Date.now() < endsAt) {
    await sleep(random.between(...REST));
    const fault = choose(soak, true);
    if (!fault) continue; // A worker is late with its heartbeat: look again.
    await inflict(soak, fault);
    let second;
    if (!fault.alone && random.next() < SECOND_SHARE) {
      await sleep(random.between(0, SECOND_WITHIN));
      second = choose(soak, false);
      if (second) await inflict(soak, second);
    }
    if (!(await cluster.settled(SETTLE_TIMEOUT))) {
      violated(`not ${cluster.target} ready workers within ${SETTLE_TIMEOUT / 1_000} s of ${soak.done.at(-1).words}`);
      throw new Error(`The cluster does not recover:\n${cluster.output()}`);
    }
    if (fault.outcome && !second && cluster.reload !== fault.outcome) {
      violated(`${soak.done.at(-1).words}: expected to be ${fault.outcome}, was ${cluster.reload}`);
    }
  }
}

function choose(soak, alone) {
  const healthy = soak.cluster.healthy().length;
  const possible = FAULTS.filter(
    (fault) => healthy > fault.takes && (alone || !fault.alone) && (fault.possible?.(soak) ?? true),
  );
  return possible.length > 0 ? soak.random.weighted(possible) : undefined;
}

async function inflict(soak, { name, inflict }) {
  const entry = { at: Date.now(), name, words: name };
  soak.done.push(entry);
  entry.words = await inflict(soak);
}
