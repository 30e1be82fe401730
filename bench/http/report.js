import { spread } from '../shared/statistics.js';
import { table } from '../shared/table.js';
import { SYSTEMS } from './systems/index.js';

/** Whom the others are measured against, round by round. */
const BASES = ['node-cluster', 'single'];

const HEADER = [
  '',
  'requests/s',
  ...BASES.map((base) => `× ${SYSTEMS[base].title}`),
  'p50 ms',
  'p99 ms',
  'CPU µs/request',
  "primary's share of it",
  'errors',
];

/** `outcomes`: of each system `samples`, one a round (undefined: it failed), and `failures` in words. */
export function settingTable(systems, outcomes) {
  return table(
    HEADER,
    systems.map((name) => rowOf(name, outcomes)),
  );
}

function rowOf(name, outcomes) {
  const { samples, failures } = outcomes[name];
  const taken = samples.filter(Boolean);
  const { title } = SYSTEMS[name];
  if (taken.length === 0) return [title, `not measured: ${failures[0]}`, ...HEADER.slice(2).map(() => '')];
  const column = (pick, write) =>
    spread(
      taken.map((sample) => pick(sample)),
      write,
    );
  return [
    title,
    column(({ rate }) => rate, whole),
    ...BASES.map((base) => (base === name ? '1' : against(samples, outcomes[base]?.samples ?? []))),
    column(({ p50 }) => p50, figures),
    column(({ p99 }) => p99, figures),
    column(({ cpu }) => cpu, figures),
    taken[0].primaryShare === undefined ? '–' : column(({ primaryShare }) => primaryShare * 100, percent),
    [...errorsOf(taken), ...failures.map((words) => `run failed: ${words}`)].join(', ') || '0',
  ];
}

/** Only rounds in which both were measured count. */
function against(samples, base) {
  const pairs = samples.map((sample, round) => [sample, base[round]]).filter((pair) => pair.every(Boolean));
  if (pairs.length === 0) return '–';
  return spread(
    pairs.map(([own, other]) => own.rate / other.rate),
    (ratio) => ratio.toFixed(2),
  );
}

function errorsOf(samples) {
  return Object.keys(samples[0].errors)
    .map((kind) => [kind, samples.reduce((sum, { errors }) => sum + errors[kind], 0)])
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${count}`);
}

/** Three digits that matter, and never an exponent. */
function figures(value) {
  return value >= 100 ? whole(value) : value.toPrecision(3);
}

function whole(value) {
  return value.toFixed(0);
}

function percent(value) {
  return `${value.toFixed(1)}%`;
}
