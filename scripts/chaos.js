// npm run chaos -- --broker nats3 --minutes 10 --seed 7
// Three hosts and their brokers in network namespaces, under load, while the network, the brokers and the processes fail as
// the seed decides. Ends with what a checker found in the history of all calls; the same seed gives the same faults.
// npm run chaos -- --judge FOLDER judges a history once more.
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runNode } from './run.js';

const MINUTE = 60_000; // ms
const { values } = parseArgs({
  options: {
    broker: { type: 'string', default: 'nats' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    folder: { type: 'string' },
    judge: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error(`--minutes must be a number above 0, --seed an integer: got ${values.minutes} and ${values.seed}.`);
  process.exit(1);
}
const { judge, broker } = values;
const folder = judge ?? values.folder ?? mkdtempSync(join(tmpdir(), `nestjs-cluster-chaos-${broker}-${seed}-`));
if (judge === undefined && existsSync(folder) && readdirSync(folder).length > 0) {
  console.error(`--folder must be empty or missing: ${folder} has another history. To judge that, use --judge.`);
  process.exit(1);
}

for (const script of values['no-build'] || judge !== undefined
  ? []
  : ['scripts/build.js', 'scripts/build-samples.js']) {
  if ((await runNode([script], { limit: 5 * MINUTE })) !== 0) process.exit(1);
}
const limit = (minutes + 6) * MINUTE;
process.exitCode = await runNode(
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--config=jest.network.config.js',
    '--testMatch=<rootDir>/test/network/chaos.run.ts',
    `--testTimeout=${limit}`,
    '--silent',
  ],
  {
    limit,
    env: { ...process.env, CHAOS: JSON.stringify({ broker, minutes, seed, folder, judge: judge !== undefined }) },
  },
);
