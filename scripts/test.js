// npm test: builds, then runs the unit, e2e, broker and pack tests, and a smoke test of the rest: the gate.
// With --full (npm run test:full) the rest runs whole: what is bound to a time, every fault, the other Node, and Nest 11.
// Other arguments go to jest; a path runs only the suites it lies in: npm test -- test/unit/bus -t 'keeps order'
// The last line is always `N passed, N failed`; the exit code is 0 only if something ran and nothing failed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { nodeBinary } from './node-binary.js';
import { ROOT, runNode } from './run.js';

const MINUTE = 60_000; // ms
/** A suite that runs over its limit hangs: it is killed and counts as a failure. */
const SUITES = {
  unit: { config: 'jest.config.js', limit: 10 * MINUTE },
  e2e: { config: 'jest.e2e.config.js', limit: 30 * MINUTE, needsBuild: true },
  hostile: { config: 'jest.hostile.config.js', limit: 15 * MINUTE, needsBuild: true },
  compat: { config: 'jest.compat.config.js', limit: 20 * MINUTE, needsBuild: true },
  timed: { config: 'jest.timed.config.js', limit: 15 * MINUTE, needsBuild: true },
  brokers: { config: 'jest.brokers.config.js', limit: 15 * MINUTE, needsBuild: true },
  pack: { config: 'jest.pack.config.js', limit: 12 * MINUTE, needsBuild: true },
  faults: { config: 'jest.faults.config.js', limit: 25 * MINUTE, needsBuild: true },
  network: { config: 'jest.network.config.js', limit: 45 * MINUTE, needsBuild: true },
};

/** Its kernel sockets can share a port, which those of the oldest Node that is supported cannot. */
const OTHER_NODE = '24';

/**
 * What depends on how sockets are shared, read and closed: that differs most from Node to Node. The samples are apps like
 * those of the other tests; of them and of the rest, once is enough.
 */
const OF_EACH_NODE = [
  'drain-event-stream',
  'drain-http2',
  'drain-late-streams',
  'drain-responses',
  'drain-websocket',
  'flow-control',
  'hand-off',
  'listening',
  'messages',
  'node-cluster',
  'reload',
  'scaling',
  'shutdown',
  'slot-sockets',
  'watchdog',
  'zero-downtime-restart',
];

const otherNode = () => ({ NODE_UNDER_TEST: nodeBinary(OTHER_NODE), LISTEN_UNDER_TEST: 'reuse-port' });

/** What cannot fail for the machine's speed, and of what can, as much as shows that it is not broken. */
const gate = () => [
  ...['unit', 'e2e', 'hostile', 'compat', 'brokers', 'pack'].map((suite) => ({ suite })),
  // Each fault once, of a worker that is ready.
  { suite: 'faults', only: ['faults/ready'], env: { LISTEN_UNDER_TEST: 'round-robin' } },
  { suite: 'network', only: ['network/smoke'] },
  { suite: 'e2e', only: ['e2e/reload', 'e2e/shutdown', 'e2e/slot-sockets'], env: otherNode() },
];

const full = () => [
  ...Object.keys(SUITES).map((suite) => ({ suite })),
  { suite: 'compat', only: ['compat/modules'], env: { NEST_UNDER_TEST: '11' } },
  { suite: 'compat', only: ['compat/modules'], env: otherNode() },
  ...['e2e', 'timed'].map((suite) => ({ suite, only: OF_EACH_NODE, env: otherNode() })),
  { suite: 'faults', env: otherNode() },
];

const isFull = process.argv.includes('--full');
const args = process.argv.slice(2).filter((arg) => arg !== '--full');
const paths = args.filter((arg) => !arg.startsWith('-')).map((arg) => relative(ROOT, resolve(arg)));
const named = Object.keys(SUITES).filter((suite) => paths.some((path) => `${path}/`.startsWith(`test/${suite}/`)));
const runs = isFull ? full() : named.length > 0 ? named.map((suite) => ({ suite })) : gate();
const reports = mkdtempSync(join(tmpdir(), 'nestjs-cluster-test-'));

const total = { passed: 0, failed: 0, skipped: 0 };
try {
  if (runs.some(({ suite }) => SUITES[suite].needsBuild)) await build();
  // Without a build nothing can run; with one, every suite is worth its number.
  for (const next of total.failed > 0 ? [] : runs) await run(next);
} finally {
  rmSync(reports, { recursive: true, force: true });
}

if (total.skipped > 0) console.log(`${total.skipped} skipped`);
if (total.passed + total.failed === 0) console.log('No test ran.');
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

async function build() {
  const steps = [
    ['package', ['scripts/build.js']],
    ['samples', ['scripts/build-samples.js']],
  ];
  for (const [what, command] of steps) {
    if ((await runNode(command, { limit: 5 * MINUTE })) === 0) continue;
    console.error(`The ${what} could not be built; no test was run.`);
    total.failed += 1;
    return;
  }
}

/**
 * Runs a suite, whole or only what matches.
 *
 * @param only patterns of paths
 * @param env what the suite is told beside the environment
 */
async function run({ suite, only = [], env = {} }) {
  const { config, limit } = SUITES[suite];
  const title = [suite, ...only, ...Object.entries(env).map((entry) => entry.join('='))].join(' ');
  console.log(`\n== ${title}`);
  const report = join(reports, `${suite}.json`);
  rmSync(report, { force: true });
  const code = await runNode(
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      `--config=${config}`,
      '--json',
      `--outputFile=${report}`,
      // A selection may leave a suite without tests; that nothing ran at all is noticed in the end.
      ...(args.length > 0 ? ['--passWithNoTests'] : []),
      ...args,
      ...only,
    ],
    { limit, env: { ...process.env, ...env } },
  );
  const counted = count(report);
  total.passed += counted.passed;
  total.skipped += counted.skipped;
  // jest can fail without a failed test: a crash, a limit, no test found.
  const failed = code === 0 ? counted.failed : Math.max(1, counted.failed);
  total.failed += failed;
  console.log(`== ${title}: ${counted.passed} passed, ${failed} failed, ${counted.skipped} skipped`);
  if (code === 124) console.error(`The ${suite} tests were killed after ${limit / MINUTE} minutes.`);
  else if (code !== 0 && counted.failed === 0) console.error(`The ${suite} tests ended with code ${code}.`);
}

/** What jest counted; a file that could not be loaded is one failure. */
function count(report) {
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }; // jest ended before it could write it
  }
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}
