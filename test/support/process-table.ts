import { readdirSync, readFileSync } from 'node:fs';

/** Pids of the children of `pid` that still run; none where it is gone. */
export function childrenOf(pid: number): number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`) ?? '';
  return text
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .filter((child) => isRunning(child));
}

/** Whether `pid` is a process that has not ended; a zombie has. */
export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  // The state follows the command's name, which is in parentheses and may hold any character.
  return stat !== undefined && !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2).charAt(0));
}

/** Pids of all running processes whose environment holds the entry `NAME=value`. */
export function pidsWithEnvironment(entry: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => (read(`/proc/${pid}/environ`) ?? '').split('\0').includes(entry) && isRunning(pid));
}

/** A file of /proc, or undefined where its process is gone or somebody else's. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** How many clients are connected to this machine's `port`. */
export function connectionsTo(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n'));
  // 01 is ESTABLISHED (include/net/tcp_states.h).
  return lines.filter((line) => {
    const [, at, , state] = line.trim().split(/\s+/);
    return at?.endsWith(local) && state === '01';
  }).length;
}
