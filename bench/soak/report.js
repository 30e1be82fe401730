import { failedOf } from '../faults/books.js';
import { failed } from '../faults/load.js';

/** The primary may grow by so much from the first third to the last, in MB: its heap breathes. */
const GROWTH_LIMIT = 12;

/** The primary's open files, with as many workers and without load, may differ by so many. */
const DESCRIPTOR_SLACK = 2;

/**
 * A generator that stood still for longer (ms) has less than its share of the machine, and so had the workers: it
 * sends on connections their servers have given up, and the watchdog takes who waits for a core for hung.
 */
const LATE_LIMIT = 1_500;

/** How many failures without a reason are printed; all are in the JSON. */
const SHOWN = 20;

const MINUTE = 60_000; // ms
const count = (value) => value.toLocaleString('en');
const mb = (value) => `${value.toFixed(1)} MB`;

/** How far it is, and how big everybody was in the last minute. */
export function minuteLine({ startedAt, requests, done, cluster, violations, footprint, messages }) {
  const { total } = requests;
  const { primary, worker } = footprint.since(Date.now() - MINUTE);
  const { tasks, broadcasts, maps } = messages.counts;
  return [
    `minute ${Math.round((Date.now() - startedAt) / MINUTE)}: ${done.length} faults`,
    `${count(total.sent)} requests, ${count(failed(total))} failed`,
    `${count(tasks + broadcasts + maps)} messages`,
    `${cluster.members.length} of ${cluster.target} ready`,
    `RSS primary ${mb(primary)}, worker ${mb(worker)}`,
    `fds ${cluster.descriptors()}`,
    `${violations.length} violations`,
  ].join('; ');
}

/** Prints the books and the verdict; returns the names of the checks that failed. */
export function report(soak) {
  const checks = [...requestChecks(soak), messageCheck(soak), ...clusterChecks(soak), ...footprintChecks(soak)];
  console.log(`\n${soak.done.length} faults: ${tally(soak.done.map(({ name }) => name))}`);
  for (const { name, ok, seen } of checks) console.log(`${ok ? 'ok     ' : 'FAILED '} ${name}: ${seen}`);
  const failures = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  if (failures.includes('machine')) console.log('\nThe machine was too busy with other things for a verdict.');
  const { flags, node, done, requests } = soak;
  console.log(
    `\nsoak ${failures.length === 0 ? 'passed' : `FAILED (${failures.join(', ')})`}: ${flags.minutes} min, ` +
      `seed ${flags.seed}, Node ${node}, ${done.length} faults, ${count(requests.total.sent)} requests`,
  );
  return failures;
}

function requestChecks({ requests, strikes }) {
  const books = requests.settle().map(({ name, book, balances, unexcused }) => {
    for (const failure of unexcused.slice(0, SHOWN)) console.log(`  ! without a reason: ${JSON.stringify(failure)}`);
    const notes = `${unexcused.length} without a reason${balances ? '' : '; the book does not balance'}`;
    const seen = `${failedOf(book).replaceAll('*', '')} failed, ${notes}`;
    return { name, ok: unexcused.length === 0 && balances, seen };
  });
  const { timeout } = requests.total;
  const excused = Object.entries(strikes.excused).map(([kind, number]) => `${number} by ${kind}`);
  return [
    ...books,
    { name: 'in a process at its end', ok: true, seen: excused.join(', ') || 'none' },
    { name: 'hung clients', ok: timeout === 0, seen: String(timeout) },
    {
      name: 'machine',
      ok: requests.late <= LATE_LIMIT,
      seen: `the load generator stood still for ${Math.round(requests.late)} ms at most`,
    },
  ];
}

/** What the books found was printed and counted when it was found; here is what they add up to. */
function messageCheck({ messages }) {
  const { tasks, reruns, maps, memberLost, broadcasts, deliveries, unheard, broken } = messages.counts;
  return {
    name: 'messages',
    ok: broken === 0 && tasks > 0 && maps > 0 && deliveries > broadcasts,
    seen:
      `${count(tasks)} tasks (${reruns} run again after a death), ${count(maps)} maps (${memberLost} answers lost by a ` +
      `death), ${count(broadcasts)} broadcasts (${count(deliveries)} arrivals), ${unheard} calls lost with their ` +
      `caller; ${broken} wrong`,
  };
}

function clusterChecks({ cluster, flags, exits, violations, readyAtEnd, left }) {
  const { ended } = cluster;
  return [
    { name: 'violations', ok: violations.length === 0, seen: `${violations.length}; ${exits.count} workers ended` },
    { name: 'ready at the end', ok: readyAtEnd === flags.workers, seen: `${readyAtEnd} of ${flags.workers}` },
    { name: 'exit of the primary', ok: ended?.code === 0, seen: `${ended?.code ?? ended?.signal ?? 'still running'}` },
    { name: 'processes left', ok: left?.length === 0, seen: `${left?.length}` },
  ];
}

function footprintChecks({ footprint, descriptors: { before, after } }) {
  const { first, last } = footprint.thirds();
  return [
    {
      name: 'RSS of the primary',
      ok: last.primary - first.primary <= GROWTH_LIMIT,
      seen: `${mb(first.primary)} in the first third, ${mb(last.primary)} in the last`,
    },
    { name: 'RSS of a worker', ok: true, seen: `${mb(first.worker)}, ${mb(last.worker)}` },
    {
      name: 'open files of the primary',
      ok: Math.abs(after - before) <= DESCRIPTOR_SLACK,
      seen: `${before} before the load, ${after} after it`,
    },
  ];
}

function tally(names) {
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, number]) => `${number} ${name}`).join(', ');
}
