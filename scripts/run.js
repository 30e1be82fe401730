import { spawn } from 'node:child_process';
import { dirname } from 'node:path';

/** The top of the repository; every script works from here, wherever it was called from. */
export const ROOT = dirname(import.meta.dirname);

/**
 * Runs `node ...args` at the top of the repository with this process's output.
 * Resolves to its exit code; past `limit` (ms) the whole process group is killed and the code is 124.
 */
export function runNode(args, { limit, env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    // A group of its own, so that nothing a test left behind survives the limit.
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit', detached: true });
    let late = false;
    const kill = (signal) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error; // ESRCH: the group has ended meanwhile.
      }
    };
    const timer =
      limit &&
      setTimeout(() => {
        late = true;
        kill('SIGKILL');
      }, limit);
    const forward = (signal) => kill(signal);
    process.on('SIGINT', forward).on('SIGTERM', forward);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      process.off('SIGINT', forward).off('SIGTERM', forward);
      resolve(late ? 124 : (code ?? 1));
    });
  });
}
