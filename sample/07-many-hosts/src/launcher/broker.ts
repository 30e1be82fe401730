import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** A nats-server of the launcher's own, and the process that guards it. */
export class Broker {
  private readonly ended: Promise<unknown>;

  private constructor(
    private readonly guard: ChildProcess,
    readonly url: string,
  ) {
    this.ended = guard.exitCode === null ? once(guard, 'exit') : Promise.resolve();
    this.lifeline.on('error', () => {}); // a guard that has ended is what stop() asks for
  }

  /** Resolves when it listens; to undefined where it does not, and the guard has said why. */
  static async start(): Promise<Broker | undefined> {
    const entry = fileURLToPath(import.meta.resolve('./broker-guard.js'));
    // In a group of its own: Ctrl-C is the launcher's, which stops the hosts first.
    const guard = spawn(process.execPath, [entry], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    for await (const url of createInterface(guard.stdout)) return new Broker(guard, url);
    return undefined;
  }

  /** The broker lives as long as anybody holds this open: the launcher, and the hosts it is given to. */
  get lifeline(): Writable {
    return this.guard.stdin!;
  }

  /** Resolves when the server has ended and its folder is gone. */
  async stop(): Promise<void> {
    this.lifeline.end();
    await this.ended;
  }
}
