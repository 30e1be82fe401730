import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { ForkOptions } from '../../options/cluster-options.interface.js';
import { enteredBy } from '../../platform/environment.js';

/** What a generation of workers runs. */
export interface Release {
  /** Settings of node:cluster. `cwd` undefined: the primary's, for there is no other. */
  readonly exec: string | undefined;
  readonly cwd: string | undefined;
  /** The file that runs, with no symbolic link on the way to it. */
  readonly name: string;
}

/** How the primary was started. */
export interface StartPlace {
  /** `process.argv[1]`: an absolute path, on which symbolic links are kept where it was given with them. */
  readonly script: string;
  /** The working directory, without symbolic links: the kernel knows no others. */
  readonly folder: string;
  /** Paths by which somebody may have entered that folder: a shell's PWD, PM2's pm_cwd, npm's INIT_CWD. */
  readonly hints: readonly (string | undefined)[];
}

/**
 * The working directory when the package was imported. main.ts may go elsewhere above NestFactory.create(), and does so
 * again in each worker.
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
    // It was removed already.
    return '/';
  }
}

/** Whether two paths lead to the same folder now. */
type IsSame = (one: string, other: string) => boolean;

/**
 * The path with a symbolic link on it by which `place.folder` was entered (`cd current`); undefined where there is none.
 * A hint counts only where it leads to that folder, for a variable may be another program's. The script's own path tells
 * too: `node /srv/current/dist/main.js`, started in /srv/releases/7, runs below /srv/current.
 */
export function linkedFolder({ script, folder, hints }: StartPlace, isSame: IsSame): string | undefined {
  const candidates = [...hints];
  for (let path = dirname(script); path !== dirname(path); path = dirname(path)) candidates.push(path);
  return candidates.find((path) => path !== undefined && isAbsolute(path) && path !== folder && isSame(path, folder));
}

/** The script by the link: what `dist/main.js` means in `linked`; a script elsewhere keeps its path. */
export function linkedScript({ script, folder }: StartPlace, linked: string | undefined): string {
  const inside = relative(folder, script);
  return linked === undefined || inside.startsWith('..') || isAbsolute(inside) ? script : join(linked, inside);
}

/**
 * Where a cluster's code lies. Deployments put each release into a folder of its own and let a symbolic link (`current`)
 * point to the newest. A generation of workers runs one release as a whole: what the link pointed to when its first worker
 * was started. So a reload runs the new release, and a worker that crashes while the link has moved on, but before the
 * reload, comes back as what it was. Where that release was removed meanwhile, the link counts.
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

  /** What a worker of that generation is to run. */
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

  /** A reload failed: the next one has the same number, and follows the link anew. */
  forgetAfter(generation: number): void {
    for (const later of this.pinned.keys()) if (later > generation) this.pinned.delete(later);
  }

  /** What the link points to now. The user's own `fork.exec` and `fork.cwd` win. */
  private resolve(): Release {
    const { exec, cwd = this.place.folder } = this.fork;
    const name = real(exec === undefined ? this.script : resolve(cwd, exec));
    return { exec: exec ?? name, cwd: this.fork.cwd ?? this.resolveFolder(name), name };
  }

  /**
   * By its path, and not as the folder that the primary is in: that one may have been replaced, and Node does not start in
   * a folder that is gone.
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

/** The path without symbolic links; of a file its folder's, for a file may be named without its extension. */
function real(path: string): string {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory()
      ? realpathSync(path)
      : join(realpathSync(dirname(path)), basename(path));
  } catch {
    // Not there: whoever starts it is told so.
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
