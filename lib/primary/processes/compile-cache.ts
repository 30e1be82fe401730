import { mkdtempSync, rmSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPILE_CACHE, hasCompileCacheOfItsOwn } from '../../platform/environment.js';

/**
 * A folder where V8's compiled code of the workers' modules is kept for the workers that follow (Node's compile
 * cache, from 22.8 on). It is private to this cluster, for whoever writes to it has the workers run what they
 * like, and gone with it.
 */
export class CompileCache {
  /** Undefined where there is none: an older Node, a choice of the user's, or no place to write to. */
  readonly folder: string | undefined;

  constructor(wanted: boolean) {
    const isKnown = 'enableCompileCache' in module;
    this.folder = wanted && isKnown && !hasCompileCacheOfItsOwn() ? makeFolder() : undefined;
  }

  /** Environment variables for each worker. */
  get variables(): Record<string, string> {
    return this.folder === undefined ? {} : { [COMPILE_CACHE]: this.folder };
  }

  remove(): void {
    if (this.folder === undefined) return;
    try {
      rmSync(this.folder, { recursive: true, force: true });
    } catch {
      // No descriptor to read it with, or a disk that fails: a folder of the system's for what is temporary.
    }
  }
}

function makeFolder(): string | undefined {
  try {
    return mkdtempSync(join(tmpdir(), 'nestjs-cluster-'));
  } catch {
    // A file system that is read-only: workers boot as they do without it.
    return undefined;
  }
}
