import fs from 'node:fs';

/** What opening the controlling terminal fails with where the process has none, or where it has hung up. */
const NO_TERMINAL = new Set(['ENXIO', 'EIO']);

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
