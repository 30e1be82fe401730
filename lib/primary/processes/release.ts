import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { ForkOptions } from '../../options/cluster-options.interface.js';
import { enteredBy } from '../../platform/environment.js';

/** The code that a generation of workers runs. */
export interface Release {
  /** Settings of node:cluster. `cwd` is undefined if no other folder exists: then the primary's applies. */
  readonly exec: string | undefined;
  readonly cwd: string | undefined;
  /** The path of the file that runs, with the symbolic links in its folders resolved. */
  readonly name: string;
}

/** How the primary was started. */
export interface StartPlace {
  /** `process.argv[1]`: an absolute path that keeps the symbolic links with which it was given. */
  readonly script: string;
  /** The working directory as the kernel knows it, without symbolic links. */
  readonly folder: string;
  /** Paths by which that folder may have been entered: a shell's PWD, PM2's pm_cwd, npm's INIT_CWD. */
  readonly hints: readonly (string | undefined)[];
}

/**
 * The working directory at the time when the package was imported. main.ts may change it before NestFactory.create(),
 * and does so again in each worker.
 */
const STARTED_IN = workingFolder();

/** How this process was started. */
export function startPlace(): StartPlace {
  return { script: process.argv[1] ?? '', folder: STARTED_IN, hints: enteredBy() };
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    // The folder was already removed.
    return '/';
  }
}

/** Whether two paths lead to the same folder now. */
type IsSame = (one: string, other: string) => boolean;

/**
 * The path with a symbolic link by which `place.folder` was entered (`cd current`); undefined if there is none. A hint
 * counts only if it leads to that folder, because the variable may come from another program. The script's own path can
 * show the link, too: `node /srv/current/dist/main.js`, started in /srv/releases/7, runs below /srv/current.
 */
export function linkedFolder({ script, folder, hints }: StartPlace, isSame: IsSame): string | undefined {
  const candidates = [...hints];
  for (let path = dirname(script); path !== dirname(path); path = dirname(path)) candidates.push(path);
  return candidates.find((path) => path !== undefined && isAbsolute(path) && path !== folder && isSame(path, folder));
}

/** The script's path through the link: the same file below `linked`. A script outside of the folder keeps its path. */
export function linkedScript({ script, folder }: StartPlace, linked: string | undefined): string {
  const inside = relative(folder, script);
  return linked === undefined || inside.startsWith('..') || isAbsolute(inside) ? script : join(linked, inside);
}

/**
 * Knows where the cluster's code is. Deployments put each release into a folder of its own, and a symbolic link
 * (`current`) points to the newest. All workers of a generation run the same release: the one to which the link pointed
 * when the first of them was started. So a reload runs the new release, and a worker that crashes after the link was
 * changed, but before the reload, is restarted with the old release. If that release was removed meanwhile, the link
 * decides.
 */
export class Releases {
  private readonly pinned = new Map<number, Release>();
  private readonly linked: string | undefined;
  private readonly script: string;
  private readonly warned = new Set<string>();

  constructor(
    private readonly place: StartPlace,
    private readonly fork: ForkOptions,
    private readonly warn: (message: string) => void,
  ) {
    this.linked = linkedFolder(place, isSameFolder);
    this.script = linkedScript(place, this.linked);
  }

  /** The release that a worker of the generation should run. */
  of(generation: number): Release {
    let release = this.pinned.get(generation);
    if (release === undefined || !existsSync(dirname(release.name))) {
      const found = this.resolve();
      if (release !== undefined) this.warnOfRemoval(release, found);
      release = found;
      this.pinned.set(generation, release);
      for (const old of this.pinned.keys()) if (old < generation - 1) this.pinned.delete(old);
    }
    return release;
  }

  /**
   * Forgets the later generations after a failed reload: the next reload has the same number, and resolves the link
   * again.
   */
  forgetAfter(generation: number): void {
    for (const later of this.pinned.keys()) if (later > generation) this.pinned.delete(later);
  }

  /** The release to which the link points now. The user's own `fork.exec` and `fork.cwd` take precedence. */
  private resolve(): Release {
    const { exec, cwd = this.place.folder } = this.fork;
    const name = real(exec === undefined ? this.script : resolve(cwd, exec));
    return { exec: exec ?? name, cwd: this.fork.cwd ?? this.resolveFolder(name), name };
  }

  /**
   * The working directory of the workers. It is found by its path, because the folder that the primary is in may have
   * been replaced, and Node does not start in a folder that is gone.
   */
  private resolveFolder(script: string): string | undefined {
    const folder = this.linked === undefined ? this.place.folder : real(this.linked);
    return [folder, dirname(script)].find((path) => existsSync(path));
  }

  private warnOfRemoval(removed: Release, found: Release): void {
    const message = existsSync(dirname(found.name))
      ? `the release that ran is gone (${removed.name}); workers are started from ${found.name}`
      : `the release that runs was removed (${removed.name}): no worker can be started. Put it back, or start the cluster ` +
        'anew from where the new one is; started by the path of a link (cd /srv/current), a reload follows that link.';
    if (this.warned.has(message)) return;
    this.warned.add(message);
    this.warn(message);
  }
}

/**
 * The path without symbolic links. For a file, only its folder is resolved, because a file may be named without its
 * extension.
 */
function real(path: string): string {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory()
      ? realpathSync(path)
      : join(realpathSync(dirname(path)), basename(path));
  } catch {
    // The path does not exist: an attempt to start it will report that.
    return path;
  }
}

function isSameFolder(one: string, other: string): boolean {
  try {
    const [a, b] = [statSync(one), statSync(other)];
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}
