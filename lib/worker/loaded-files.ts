import { createRequire } from 'node:module';
import { reportDependencies } from '../platform/environment.js';

/** Node's message about files that `node --watch` should watch. */
export interface LoadedFiles {
  readonly 'watch:require': readonly string[];
}

/**
 * Tells `node --watch` about the files that only a worker loads: modules that the application loads later, which the
 * primary never runs. Workers are started without Node's own reports. Those send one message for each module, most of
 * which the primary has already reported, and a worker that sends a thousand messages starts noticeably later.
 */
export class LoadedFilesReport {
  private readonly cache = createRequire(import.meta.url).cache;
  private readonly known = new Set<string>();

  constructor(private readonly send: (message: LoadedFiles) => void) {}

  /** From now on, Node itself reports what is imported. */
  begin(): void {
    reportDependencies();
  }

  /**
   * Reports the files that were required since the last call. Node decides only once, at the first one, whether to
   * report them.
   */
  update(): void {
    const files = Object.keys(this.cache).filter((file) => !this.known.has(file));
    if (files.length === 0) return;
    for (const file of files) this.known.add(file);
    this.send({ 'watch:require': files });
  }
}
