// npm test: builds, then runs the unit, e2e, timed, broker and pack tests and adds up what jest counted.
// With --all the fault matrix too, and what depends on Node's sockets runs with another Node as well. Other arguments go to jest; a path runs only the suites it lies in: npm test -- test/unit/bus -t 'keeps order'
// The last line is always `N passed, N failed`; the exit code is 0 only if something ran and nothing failed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { nodeBinary } from './node-binary.js';
import { ROOT, runNode } from './run.js';

const MINUTE = 60_000; // ms
/** A suite that runs over its limit hangs: it is killed and counts as a failure. */
const SUITES = [
  { name: 'unit', config: 'jest.config.js', limit: 10 * MINUTE, needsBuild: false },
  { name: 'e2e', config: 'jest.e2e.config.js', limit: 30 * MINUTE, needsBuild: true, startsApps: true },
  { name: 'timed', config: 'jest.timed.config.js', limit: 15 * MINUTE, needsBuild: true, startsApps: true },
  { name: 'brokers', config: 'jest.brokers.config.js', limit: 15 * MINUTE, needsBuild: true },
  { name: 'pack', config: 'jest.pack.config.js', limit: 12 * MINUTE, needsBuild: true },
  // The fault matrix takes as long as all the others: run by name, or with --all, as CI does.
  {
    name: 'faults',
    config: 'jest.faults.config.js',
    limit: 25 * MINUTE,
    needsBuild: true,
    startsApps: true,
    onRequest: true,
  },
];
/** Its kernel sockets can share a port, which those of the oldest Node that is supported cannot. */
const OTHER_NODE = '24';

/**
 * What depends on how sockets are shared, read and closed: that differs most from Node to Node. The samples are apps like
 * those of the other tests; of them and of the rest, once is enough.
 */
const OF_EACH_NODE = [
  'faults/',
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

const all = process.argv.includes('--all');
const args = process.argv.slice(2).filter((arg) => arg !== '--all');
const paths = args.filter((arg) => !arg.startsWith('-')).map((arg) => relative(ROOT, resolve(arg)));
const named = SUITES.filter(({ name }) => paths.some((path) => `${path}/`.startsWith(`test/${name}/`)));
const suites = named.length > 0 ? named : SUITES.filter(({ onRequest }) => all || !onRequest);
const reports = mkdtempSync(join(tmpdir(), 'nestjs-cluster-test-'));

const total = { passed: 0, failed: 0, skipped: 0 };
try {
  if (suites.some((suite) => suite.needsBuild)) await build();
  for (const suite of total.failed > 0 ? [] : suites) await run(suite);
  if (all && total.failed === 0) {
    const env = { NODE_UNDER_TEST: nodeBinary(OTHER_NODE), LISTEN_UNDER_TEST: 'reuse-port' };
    for (const suite of suites.filter(({ startsApps }) => startsApps)) await run(suite, env, OF_EACH_NODE);
  }
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
 * @param env what the suite is told beside the environment
 * @param selection what jest is told beside the arguments
 */
async function run({ name, config, limit }, env = {}, selection = []) {
  for (const [variable, value] of Object.entries(env)) console.log(`${variable}=${value}`);
  const report = join(reports, `${name}.json`);
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
      ...selection,
    ],
    { limit, env: { ...process.env, ...env } },
  );
  const counted = count(report);
  total.passed += counted.passed;
  total.skipped += counted.skipped;
  // jest can fail without a failed test: a crash, a limit, no test found.
  total.failed += code === 0 ? counted.failed : Math.max(1, counted.failed);
  if (code === 124) console.error(`The ${name} tests were killed after ${limit / MINUTE} minutes.`);
  else if (code !== 0 && counted.failed === 0) console.error(`The ${name} tests ended with code ${code}.`);
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
