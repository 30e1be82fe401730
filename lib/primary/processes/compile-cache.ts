import { mkdtempSync, rmSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPILE_CACHE, hasCompileCacheOfItsOwn } from '../../platform/environment.js';

/**
 * A folder for V8's compiled code of the workers' modules, which later workers reuse (Node's compile cache, from 22.8
 * on). It is private to this cluster, because a program that can write to it can make the workers run any code. It is
 * removed when the cluster ends.
 */
export class CompileCache {
  /** Undefined if there is none: Node is too old, the user has decided otherwise, or no folder can be written to. */
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
      // No descriptor is left to read it with, or the disk fails. The system cleans up its folder for temporary files.
    }
  }
}

function makeFolder(): string | undefined {
  try {
    return mkdtempSync(join(tmpdir(), 'nestjs-cluster-'));
  } catch {
    // The file system is read-only: the workers boot without the cache.
    return undefined;
  }
}
