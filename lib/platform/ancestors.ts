import { readFileSync } from 'node:fs';
import { statFields } from './process-tree.js';

/** More ancestors are not looked at: a watcher is a few shells and package managers away at most. */
const MAX_ANCESTORS = 8;

/** Command lines of the processes above this one, the nearest first. Linux only: elsewhere there are none to be read. */
export function ancestorCommands(): string[][] {
  const commands: string[][] = [];
  let pid = process.ppid;
  while (pid > 1 && commands.length < MAX_ANCESTORS) {
    try {
      commands.push(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean));
      pid = parentIn(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    } catch {
      // Another user's, gone meanwhile, or no /proc.
      break;
    }
  }
  return commands;
}

/** The parent in the text of /proc/PID/stat. */
function parentIn(stat: string): number {
  return Number(statFields(stat)[1]);
}
