import { RUNTIME } from '../runtime/tokens.js';
import type { CloseApplication, HostApplication } from './nest-application.js';

/** The open Nest containers of this worker, including those without the module, in the order of their boot. */
export class Containers {
  private readonly closers = new Map<HostApplication, CloseApplication>();

  /**
   * @param countsContexts whether a plain application context counts as an application of the cluster, and not as a
   *   helper, such as a context from which main.ts reads its configuration
   */
  constructor(private readonly countsContexts: boolean) {}

  add(app: HostApplication, close: CloseApplication): void {
    this.closers.set(app, close);
  }

  /** Closes one of them, which does not count any more from now on. */
  async closeOne(app: HostApplication, signal?: string): Promise<void> {
    const close = this.closers.get(app);
    this.closers.delete(app);
    await close?.(signal);
  }

  /** The applications that contain the module. This worker exists to run them. */
  get applications(): HostApplication[] {
    return [...this.closers.keys()].filter(
      (app) => (app.listen !== undefined || this.countsContexts) && holdsModule(app),
    );
  }

  /** Closes all of them, in reverse order of their boot; rejects with the first error once all are closed. */
  async closeAll(signal?: string): Promise<void> {
    const closers = [...this.closers.values()].toReversed();
    this.closers.clear();
    const errors: unknown[] = [];
    for (const close of closers) await close(signal).catch((error: unknown) => void errors.push(error));
    if (errors.length > 0) throw errors[0];
  }
}

function holdsModule(app: HostApplication): boolean {
  try {
    return app.get(RUNTIME, { strict: false }) !== undefined;
  } catch {
    // Another application of this process, without the module.
    return false;
  }
}
