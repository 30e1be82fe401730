import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { sleep, type Clock } from '../../platform/clock.js';
import { ownSession } from '../../platform/process-tree.js';

const SHELL = '/bin/sh';

/** How long workers may live after the primary's end, in seconds; they themselves give up running work after 3. */
const GRACE = 4;

/** How long the primary waits for a dismissed reaper to exit, in ms; the reaper exits in any case. */
const DISMISSAL_TIMEOUT = 1_000;

/**
 * Waits on fd 3. A line means that the cluster has ended properly. The end of the stream without a line means that the
 * primary was killed: then, after a grace period ($2), every process of the primary's session ($4) that has the mark
 * ($1) in its environment is killed. A single grep searches all processes, because one grep per process takes too long
 * if there are many. In /proc/PID/stat, the name in parentheses may contain any character; the session is the fourth
 * field after it. The script runs in the background, so that the process is not a child of the primary.
 */
const SCRIPT = `session_of() { stat=$(cat "/proc/$1/stat" 2>/dev/null); set -- \${stat##*) }; echo "$4"; }
( read -r _ <&3 && exit 0
sleep "$2"
grep -lsF "$1" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
  [ "$(session_of "$pid")" = "$4" ] && kill -9 "$pid"
done
[ -z "$3" ] || rm -rf -- "$3" ) &`;

/**
 * Kills the workers that are left when the primary was killed. Workers leave by themselves when they notice that the
 * primary is gone, but a worker whose event loop is blocked, or that is stopped, notices nothing; only another process
 * can end it. The reaper is a shell that waits (about 1 MB). Without /proc or a shell there is no reaper, and such a
 * worker stays until its event loop continues.
 */
export class OrphanReaper {
  private line: Socket | undefined;

  /**
   * @param mark the text that every worker's environment contains, as `NAME=value`
   * @param folder a folder that is useless without the primary, and is removed with the workers
   */
  start(mark: string, folder: string | undefined): void {
    const session = ownSession();
    if (session === undefined || !existsSync(SHELL)) return;
    const args = [mark, String(GRACE), folder ?? '', String(session)];
    try {
      this.spawn(args);
    } catch {
      // No process or descriptor is left for it: there is no reaper, as without a shell.
    }
  }

  private spawn(args: string[]): void {
    const shell = spawn(SHELL, ['-c', SCRIPT, 'nestjs-cluster-reaper', ...args], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      // A signal to the primary's process group must not reach it.
      detached: true,
    });
    shell.unref();
    // The shell could not be started: there is no reaper.
    shell.on('error', () => {});
    // If no descriptor is left, the shell has no streams at all.
    const line = (shell.stdio as readonly unknown[] | undefined)?.[3] as Socket | undefined;
    if (line === undefined) return;
    this.line = line;
    this.line.on('error', () => {});
    this.line.unref();
  }

  /**
   * Tells the reaper to exit, because no worker is left. Resolves when it has exited, so that the primary leaves no
   * process behind.
   */
  async dismiss(clock: Clock): Promise<void> {
    const { line } = this;
    if (!line || line.destroyed) return;
    // The reaper's end of the pipe closes when it exits; only a stream that is being read notices that.
    const gone = new Promise<void>((resolve) => line.resume().once('close', resolve));
    line.end('\n');
    await Promise.race([gone, sleep(clock, DISMISSAL_TIMEOUT)]);
  }
}
