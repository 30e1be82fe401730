import fs from 'node:fs';
import { statFields } from './process-tree.js';

/** Error codes of opening the controlling terminal if the process has none, or if it has hung up. */
const NO_TERMINAL = new Set(['ENXIO', 'EIO']);

/** Whether this process has a controlling terminal that has not hung up. */
export function hasTerminal(): boolean {
  try {
    fs.closeSync(fs.openSync('/dev/tty', fs.constants.O_RDONLY | fs.constants.O_NOCTTY));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Other errors, such as no free descriptors, say nothing about the terminal. ENOENT: this system has no terminals.
    return !NO_TERMINAL.has(code ?? '') && code !== 'ENOENT';
  }
}

/** Whether a process was stopped by a terminal, or by a signal such as SIGSTOP; false if there is no /proc. */
export function isStopped(pid: number): boolean {
  return statOf(pid)?.[0] === 'T';
}

/** Whether this process belongs to a background job of its terminal; false if there is no /proc. */
export function isInBackground(): boolean {
  const [, , group, , terminal, foreground] = statOf('self') ?? [];
  return terminal !== undefined && terminal !== '0' && foreground !== '-1' && foreground !== group;
}

function statOf(pid: number | 'self'): string[] | undefined {
  try {
    return statFields(fs.readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    // No /proc, or the process is gone.
    return undefined;
  }
}
