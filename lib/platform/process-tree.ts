import { readFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';

/**
 * The running processes of this session that were started with the environment variable `name` set to `value`. A
 * worker's children inherit its environment, so they are found even if their parent is gone. A process in a session of
 * its own (`detached: true`, setsid) is left out: it is meant to outlive its parent, such as a deploy script. Linux
 * only: other systems have no such list, and the result is empty.
 */
export async function processesMarked(name: string, value: string): Promise<number[]> {
  const session = ownSession();
  if (session === undefined) return [];
  const mark = Buffer.from(`${name}=${value}\0`);
  const pids = (await readdir('/proc').catch(() => [])).filter((entry) => /^\d+$/.test(entry));
  const marked = await Promise.all(
    pids.map(async (pid) => {
      try {
        const isMarked = (await readFile(`/proc/${pid}/environ`)).includes(mark);
        return isMarked && sessionIn(await readFile(`/proc/${pid}/stat`, 'latin1')) === session
          ? Number(pid)
          : undefined;
      } catch {
        // The process is gone or belongs to another user.
        return undefined;
      }
    }),
  );
  return marked.filter((pid) => pid !== undefined);
}

/** The session of this process; undefined if there is no /proc. */
export function ownSession(): number | undefined {
  try {
    return sessionIn(readFileSync('/proc/self/stat', 'latin1'));
  } catch {
    return undefined;
  }
}

/**
 * The fields in the text of /proc/PID/stat after the pid and the name: state, parent, group, session, terminal, its
 * foreground group, … The name is in parentheses and may contain any character.
 */
export function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The session in the text of /proc/PID/stat. */
export function sessionIn(stat: string): number {
  return Number(statFields(stat)[3]);
}

/** The command line of a process; undefined if it cannot be read. */
export function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || undefined;
  } catch {
    // No /proc, or the process is gone.
    return undefined;
  }
}
