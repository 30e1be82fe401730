import { RUNTIME } from '../runtime/tokens.js';
import type { CloseApplication, HostApplication } from './nest-application.js';

/** The live Nest containers of this worker, those without the module too, in the order of their boot. */
export class Containers {
  private readonly closers = new Map<HostApplication, CloseApplication>();

  /**
   * @param countsContexts whether a plain application context is an application of the cluster, and no helper of one,
   *   such as a context that main.ts reads its configuration from
   */
  constructor(private readonly countsContexts: boolean) {}

  add(app: HostApplication, close: CloseApplication): void {
    this.closers.set(app, close);
  }

  /** Closes one of them, which counts no more from now on. */
  async closeOne(app: HostApplication, signal?: string): Promise<void> {
    const close = this.closers.get(app);
    this.closers.delete(app);
    await close?.(signal);
  }

  /** Applications that hold the module: what this worker is there for. */
  get applications(): HostApplication[] {
    return [...this.closers.keys()].filter(
      (app) => (app.listen !== undefined || this.countsContexts) && holdsModule(app),
    );
  }

  /** Closes all of them, the last that booted first; rejects with the first error once all have ended. */
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
