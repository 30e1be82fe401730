import { createRequire } from 'node:module';
import { reportDependencies } from '../platform/environment.js';

/** Node's word for files that `node --watch` is to watch. */
export interface LoadedFiles {
  readonly 'watch:require': readonly string[];
}

/**
 * Tells `node --watch` what only a worker loads: modules that the application loads later, which the primary never runs.
 * Workers are started without Node's own reports, for one is sent for each module, of what the primary has reported
 * before, and a worker that sends a thousand starts noticeably later.
 */
export class LoadedFilesReport {
  private readonly cache = createRequire(import.meta.url).cache;
  private readonly known = new Set<string>();

  constructor(private readonly send: (message: LoadedFiles) => void) {}

  /** From now on Node itself reports what is imported. */
  begin(): void {
    reportDependencies();
  }

  /** Reports what was required since the last time: Node asks only once, at the first one, whether to report it. */
  update(): void {
    const files = Object.keys(this.cache).filter((file) => !this.known.has(file));
    if (files.length === 0) return;
    for (const file of files) this.known.add(file);
    this.send({ 'watch:require': files });
  }
}
