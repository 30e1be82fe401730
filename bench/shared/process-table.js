import { readFileSync, readdirSync } from 'node:fs';

/** Length of the kernel's clock tick in /proc/<pid>/stat, in ms. */
const TICK = 10;

function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It ended meanwhile, or is not ours to read.
  }
}

/** Pids of the living processes whose environment holds `name=value`; what they fork inherits it. */
export function pidsWith(name, value) {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(`${name}=${value}`) && isAlive(pid));
}

/** Whether the process still runs; one that is dead and waits to be reaped does not. */
export function isAlive(pid) {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== '' && stat[stat.lastIndexOf(')') + 2] !== 'Z';
}

/** CPU time the process has used, all of its threads, in ms. */
export function cpuTime(pid) {
  const threads = safeList(`/proc/${pid}/task`).map((tid) => read(`/proc/${pid}/task/${tid}/schedstat`));
  if (threads.length > 0 && threads.every(Boolean)) {
    return threads.reduce((sum, line) => sum + Number(line.split(' ')[0]), 0) / 1e6;
  }
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

function safeList(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Memory of the process in bytes: resident, and its proportional share (a page two processes map counts half). */
export function memory(pid) {
  const kilobytes = (text, key) =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) * 1024;
  return {
    rss: kilobytes(read(`/proc/${pid}/status`), 'VmRSS'),
    pss: kilobytes(read(`/proc/${pid}/smaps_rollup`), 'Pss'),
  };
}

/** Pids of the processes that the process has forked and that live. */
export function childrenOf(pid) {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number).filter(isAlive);
}
