/** What `npm run chaos` runs: see scripts/chaos.js. */
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { SETUPS, type Setup } from './brokers.js';
import { suffer } from './chaos.js';
import { judge } from './checker.js';
import { DisturbedCluster } from './disturbed-cluster.js';
import { type History, readEvents } from './history.js';
import { schedule } from './schedule.js';

interface Wish {
  readonly broker: Setup;
  readonly minutes: number;
  readonly seed: number;
  /** Where the history goes; where it lies already, with `judge`. */
  readonly folder: string;
  readonly judge?: boolean;
}

const { broker, minutes, seed, folder, judge: isJudgedOnly } = JSON.parse(process.env['CHAOS']!) as Wish;
const HISTORY = join(folder, 'history.json');
const say = (line: string) => writeSync(2, `${line}\n`);

/** Says what was counted and what was broken; returns how much. */
function report(history: History): number {
  const { counts, violations } = judge(history);
  for (const [name, count] of Object.entries(counts)) say(`${name}: ${count}`);
  for (const { rule, at, text } of violations) say(`${at} s  ${rule}: ${text}`);
  say(`${violations.length} promises broken; the history is in ${folder}`);
  return violations.length;
}

interface Outcome {
  readonly broken: number;
  /** How each host ended when it was asked to. */
  readonly exits: Readonly<Record<string, number | string>>;
}

const GOOD: Outcome = { broken: 0, exits: { a: 0, b: 0, c: 0 } };

async function disturb(): Promise<Outcome> {
  const cluster = await DisturbedCluster.start(broker, folder);
  try {
    say(`--broker ${broker} --minutes ${minutes} --seed ${seed}`);
    await suffer(cluster, schedule(broker, minutes, seed), say);
    const history = await cluster.finish();
    writeFileSync(HISTORY, JSON.stringify({ ...history, events: [] }));
    const exits = await cluster.stop();
    return { broken: report(history), exits };
  } finally {
    await cluster.destroy();
  }
}

function judgeAgain(): Outcome {
  const history = JSON.parse(readFileSync(HISTORY, 'utf8')) as History;
  return { ...GOOD, broken: report({ ...history, events: readEvents(folder) }) };
}

test(`${minutes} minutes of faults over ${broker}, seed ${seed}, leave every promise kept`, async () => {
  expect(SETUPS).toContain(broker);
  expect(isJudgedOnly ? judgeAgain() : await disturb()).toEqual(GOOD);
});
