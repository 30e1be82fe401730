import { Inject, Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { RUNTIME } from '../runtime/tokens.js';
import type { ProcessRuntime } from '../runtime/process-runtime.interface.js';
import { inSubscribersContext } from '../platform/subscriber-context.js';
import type { ReloadProgress, ReloadReport } from '../runtime/reload.interface.js';

/** Asks the primary for a rolling reload. @publicApi */
@Injectable()
export class ReloadService {
  constructor(@Inject(RUNTIME) private readonly runtime: ProcessRuntime) {}

  /**
   * Replaces every worker by one that runs the code now on disk, without losing a request: the first must
   * become ready and stay healthy for `reload.canaryTime` ms; then the others follow, the caller's own
   * worker last. Calls during a reload share it. Resolves when the new generation serves every slot.
   *
   * @throws ReloadError with the reason and the last lines of the new worker's stderr when a worker of the new build
   *   fails (the old ones go on serving), or when the cluster is stopping
   * @throws ClusterDisabledError standalone
   */
  reload(): Promise<ReloadReport> {
    return this.runtime.reload();
  }

  /** How far a reload is, whoever asked for it. Hot: what happened before is not repeated. */
  get progress$(): Observable<ReloadProgress> {
    return inSubscribersContext(this.runtime.reloadProgress);
  }
}
