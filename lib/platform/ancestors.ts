import { readFileSync } from 'node:fs';
import { statFields } from './process-tree.js';

/** How many ancestors are checked: a watcher is at most a few shells and package managers away. */
const MAX_ANCESTORS = 8;

/** Command lines of this process's ancestors, the nearest first. Linux only: empty on other systems. */
export function ancestorCommands(): string[][] {
  const commands: string[][] = [];
  let pid = process.ppid;
  while (pid > 1 && commands.length < MAX_ANCESTORS) {
    try {
      commands.push(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean));
      pid = parentIn(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    } catch {
      // The process belongs to another user or is gone, or there is no /proc.
      break;
    }
  }
  return commands;
}

/** The parent's pid in the text of /proc/PID/stat. */
function parentIn(stat: string): number {
  return Number(statFields(stat)[1]);
}
