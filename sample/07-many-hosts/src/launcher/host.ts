import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Broker } from './broker.js';

const APP = fileURLToPath(import.meta.resolve('../app/main.js'));
const FOLLOW_LAUNCHER = import.meta.resolve('./follow-launcher.js');

/** One "host": a primary of the app with its workers, a name and a port of its own. */
export class Host {
  /** Resolves when its primary has ended. */
  readonly ended: Promise<unknown>;
  private readonly primary: ChildProcess;

  constructor(
    readonly name: string,
    readonly port: number,
    broker?: Broker,
  ) {
    const env = { ...process.env, HOST_NAME: name, PORT: String(port), WEB_CONCURRENCY: '2' };
    this.primary = fork(APP, {
      env: broker ? { ...env, NATS_URL: broker.url } : env,
      execArgv: [...process.execArgv, '--import', FOLLOW_LAUNCHER],
      // It holds the broker's lifeline, so that it can still end in good order when the launcher is gone.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(broker ? [broker.lifeline] : [])],
      // In a group of its own: a terminal's Ctrl-C reaches the launcher alone, which passes it on, once.
      detached: true,
    });
    console.log(`host ${name}: http://localhost:${port}, its primary is pid ${this.primary.pid}`);
    this.ended = once(this.primary, 'exit').then(([code, signal]) => {
      console.log(`host ${name} has ended with ${signal ?? code}`);
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.primary.kill(signal);
  }
}
