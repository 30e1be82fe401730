import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { sleep, type Clock } from '../../platform/clock.js';
import { ownSession } from '../../platform/process-tree.js';

const SHELL = '/bin/sh';

/** How long after the primary's end its workers may live, in seconds; they are told to be done in 3. */
const GRACE = 4;

/** How long a dismissed orphan reaper may take to go, in ms; it goes all the same. */
const DISMISSAL_TIMEOUT = 1_000;

/**
 * Waits on fd 3. A line means that all is well; its end alone, that the primary is gone without a word:
 * then each process of the primary's session ($4) that still carries the mark in its environment is killed. One grep
 * looks through all: one for each process takes too long where there are many. In /proc/PID/stat the name, in
 * parentheses, may hold any character; the session is the fourth word after it. In the background, so that the process
 * is nobody's child.
 */
const SCRIPT = `session_of() { stat=$(cat "/proc/$1/stat" 2>/dev/null); set -- \${stat##*) }; echo "$4"; }
( read -r _ <&3 && exit 0
sleep "$2"
grep -lsF "$1" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
  [ "$(session_of "$pid")" = "$4" ] && kill -9 "$pid"
done
[ -z "$3" ] || rm -rf -- "$3" ) &`;

/**
 * Ends the workers of a primary that was killed. They leave by themselves when they hear of it, but one
 * whose event loop is blocked, or that is stopped, hears nothing; only another process can end it. This one
 * is a shell that waits (about 1 MB). Without /proc or a shell there is none, and such a worker stays until
 * its loop turns again.
 */
export class OrphanReaper {
  private line: Socket | undefined;

  /**
   * @param mark what every worker's environment contains, as `NAME=value`
   * @param folder one that has no use without the primary
   */
  start(mark: string, folder: string | undefined): void {
    const session = ownSession();
    if (session === undefined || !existsSync(SHELL)) return;
    const args = [mark, String(GRACE), folder ?? '', String(session)];
    try {
      this.spawn(args);
    } catch {
      // No process or descriptor is left for it: as without a shell.
    }
  }

  private spawn(args: string[]): void {
    const shell = spawn(SHELL, ['-c', SCRIPT, 'nestjs-cluster-reaper', ...args], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      // A signal to the primary's process group is not meant for it.
      detached: true,
    });
    shell.unref();
    // It could not be started: as without a shell.
    shell.on('error', () => {});
    // Out of descriptors it has no streams at all.
    const line = (shell.stdio as readonly unknown[] | undefined)?.[3] as Socket | undefined;
    if (line === undefined) return;
    this.line = line;
    this.line.on('error', () => {});
    this.line.unref();
  }

  /** No worker is left: the reaper may go. Resolves when it has, so that the primary leaves nothing behind. */
  async dismiss(clock: Clock): Promise<void> {
    const { line } = this;
    if (!line || line.destroyed) return;
    // Its end of the line closes with it; only who reads hears that.
    const gone = new Promise<void>((resolve) => line.resume().once('close', resolve));
    line.end('\n');
    await Promise.race([gone, sleep(clock, DISMISSAL_TIMEOUT)]);
  }
}
