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
   * Replaces every worker with one that runs the code now on disk, without losing a request. The first new worker must
   * become ready and stay healthy for `reload.canaryTime` ms; then the others follow, and the caller's own worker is
   * replaced last. Calls made during a reload share it. Resolves when every slot runs the new generation.
   *
   * @throws ReloadError if a worker of the new build fails (the old workers keep serving), with the reason and the last
   *   lines of its stderr; also if the cluster is stopping
   * @throws ClusterDisabledError in a standalone process
   */
  reload(): Promise<ReloadReport> {
    return this.runtime.reload();
  }

  /**
   * Emits the progress of every reload, including those that others requested. Hot: earlier events are not replayed.
   */
  get progress$(): Observable<ReloadProgress> {
    return inSubscribersContext(this.runtime.reloadProgress);
  }
}
