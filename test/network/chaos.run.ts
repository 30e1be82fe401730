/** What `npm run chaos` runs: see scripts/chaos.js. */
import { writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { SETUPS, type Setup } from './brokers.js';
import { suffer } from './chaos.js';
import { judge } from './checker.js';
import { DisturbedCluster } from './disturbed-cluster.js';
import { schedule } from './schedule.js';

const { broker, minutes, seed, folder } = JSON.parse(process.env['CHAOS']!) as {
  readonly broker: Setup;
  readonly minutes: number;
  readonly seed: number;
  readonly folder: string;
};
const say = (line: string) => writeSync(2, `${line}\n`);

test(`${minutes} minutes of faults over ${broker}, seed ${seed}, leave every promise kept`, async () => {
  expect(SETUPS).toContain(broker);
  const cluster = await DisturbedCluster.start(broker, folder);
  try {
    say(`${broker}, seed ${seed}, ${minutes} minutes; the history is in ${folder}`);
    await suffer(cluster, schedule(broker, minutes, seed), say);
    const history = await cluster.finish();
    writeFileSync(join(folder, 'history.json'), JSON.stringify({ ...history, events: undefined }));
    const verdict = judge(history);
    const exits = await cluster.stop();
    say(
      Object.entries({ ...verdict.counts, ...exits })
        .map(([name, count]) => `${name}: ${count}`)
        .join('\n'),
    );
    for (const { rule, at, text } of verdict.violations) say(`${at} s  ${rule}: ${text}`);
    say(`${verdict.violations.length} promises broken (--broker ${broker} --minutes ${minutes} --seed ${seed})`);
    expect({ broken: verdict.violations.length, exits }).toEqual({ broken: 0, exits: { a: 0, b: 0, c: 0 } });
  } finally {
    await cluster.destroy();
  }
});
