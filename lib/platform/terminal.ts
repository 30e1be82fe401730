import fs from 'node:fs';

/** What opening the controlling terminal fails with where the process has none, or where it has hung up. */
const NO_TERMINAL = new Set(['ENXIO', 'EIO']);

/** SIGHUP in the kernel's sets of signals, whose first bit is signal 1. */
const SIGHUP_BIT = 1n;

/** Whether this process has a controlling terminal that has not hung up. */
export function hasTerminal(): boolean {
  try {
    fs.closeSync(fs.openSync('/dev/tty', fs.constants.O_RDONLY | fs.constants.O_NOCTTY));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Out of descriptors, say: that tells nothing of the terminal. No such file: nothing here has one.
    return !NO_TERMINAL.has(code ?? '') && code !== 'ENOENT';
  }
}

/** Whether SIGHUP is ignored, as `nohup` asks; before a handler is set. False where the system does not tell. */
export function ignoresHangups(): boolean {
  try {
    const status = fs.readFileSync('/proc/self/status', 'latin1');
    const mask = /^SigIgn:\s*([0-9a-f]+)/m.exec(status)?.[1];
    return mask !== undefined && (BigInt(`0x${mask}`) & SIGHUP_BIT) !== 0n;
  } catch {
    return false;
  }
}
