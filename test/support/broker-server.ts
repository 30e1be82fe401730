import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';

/** A broker of the test's own, on a free port and in a folder that goes with it. */
export abstract class BrokerServer {
  private child: ChildProcess | undefined;
  private isDestroyed = false;
  protected readonly folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-broker-'));

  protected constructor(
    readonly port: number,
    private readonly command: string,
    private readonly told: readonly string[],
  ) {}

  abstract get url(): string;

  get pid(): number {
    return this.child!.pid!;
  }

  private get isRunning(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /** Starts it where it was, with what it had kept; told something else than before, where `told` is given. */
  async restart(told: readonly string[] = this.told): Promise<void> {
    // A test that was given up goes on: what it started now would be left behind.
    if (this.isDestroyed || this.isRunning) throw new Error(`${this.command} runs already, or is not wanted any more.`);
    this.child = spawn(this.command, [...told, ...this.place()], { stdio: 'ignore' });
    await eventually(() => this.answers(), { what: `${this.command} to listen` });
  }

  /** Starts it again where it was killed, and lets it go on where it was frozen. */
  async revive(): Promise<void> {
    if (this.isRunning) this.thaw();
    else await this.restart();
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || !this.isRunning) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** It was killed, and when it is started again it has kept nothing. */
  forget(): void {
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder);
  }

  freeze(): void {
    this.child!.kill('SIGSTOP');
  }

  thaw(): void {
    this.child!.kill('SIGCONT');
  }

  async destroy(): Promise<void> {
    this.isDestroyed = true;
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The arguments that say where to listen and where to keep things. */
  protected abstract place(): readonly string[];

  /** What makes it say something; nothing where it speaks first. */
  protected abstract readonly greeting: string;

  /** Whether what it says means that it works. */
  protected abstract isReady(said: string): boolean;

  private answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(this.greeting));
      const done = (found: boolean) => {
        socket.destroy();
        resolve(found);
      };
      socket.once('data', (said) => done(this.isReady(said.toString())));
      socket.once('error', () => done(false));
    });
  }
}
