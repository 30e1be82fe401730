import { posix } from 'node:path';

/** The inputs of `availableCores`. */
export interface Machine {
  /** The number of processors this process may be scheduled on: `os.availableParallelism()`. */
  readonly parallelism: number;
  /** Returns the text of a file; may throw if the file cannot be read. */
  readonly readFile: (path: string) => string;
  /** `process.platform`; cgroups are read on Linux only. Default `'linux'`. */
  readonly platform?: NodeJS.Platform;
}

/**
 * The number of cores this process can really use: the processors of its affinity mask, or fewer if a cgroup
 * (v1 or v2, at any level above the process) limits its CPU time to less.
 *
 * A quota is rounded down, to at least 1, as libuv's `uv_available_parallelism` and uber-go/automaxprocs do:
 * with one process too many, all of them are throttled. Missing or malformed files count as no limit.
 */
export function availableCores({ parallelism, readFile, platform = 'linux' }: Machine): number {
  const quota = platform === 'linux' ? cpuQuota(lenient(readFile)) : Infinity;
  return Math.max(1, Math.floor(Math.min(parallelism, quota)));
}

type Read = (path: string) => string | undefined;

/** The smallest CPU quota that applies to this process, in cores. */
function cpuQuota(read: Read): number {
  const groups = (read('/proc/self/cgroup') ?? '').split('\n').map(parseGroup);
  const mounts = (read('/proc/self/mountinfo') ?? '').split('\n').map(parseMount);
  let least = Infinity;
  for (const group of groups) {
    for (const mount of mounts) {
      if (!group || !mount || !belongs(group, mount)) continue;
      for (const folder of levels(group.path, mount)) {
        least = Math.min(least, group.version === 2 ? quotaV2(read, folder) : quotaV1(read, folder));
      }
    }
  }
  return least;
}

interface Group {
  readonly version: 1 | 2;
  readonly path: string;
}

/** Parses a line of /proc/self/cgroup (cgroups(7)); undefined if that group does not account for CPU time. */
function parseGroup(line: string): Group | undefined {
  const [, id, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
  if (path === undefined) return undefined;
  if (id === '0' && controllers === '') return { version: 2, path };
  return controllers?.split(',').includes('cpu') ? { version: 1, path } : undefined;
}

interface Mount {
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly superOptions: readonly string[];
}

/**
 * Parses a line of /proc/self/mountinfo (proc(5)): `36 35 0:31 root point opts [optional…] - type source superOptions`.
 */
function parseMount(line: string): Mount | undefined {
  const [before, after] = line.split(' - ');
  const [, , , root, point] = (before ?? '').split(' ');
  const [type, , superOptions] = (after ?? '').split(' ');
  if (!root || !point || !type) return undefined;
  return { root: unescape(root), point: unescape(point), type, superOptions: (superOptions ?? '').split(',') };
}

/** mountinfo writes spaces and backslashes in a path as three octal digits. */
function unescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function belongs(group: Group, mount: Mount): boolean {
  return group.version === 2 ? mount.type === 'cgroup2' : mount.type === 'cgroup' && mount.superOptions.includes('cpu');
}

/** The folders of a group and of all groups above it, up to the top of the mount. */
function levels(path: string, { root, point }: Mount): string[] {
  const relative = posix.relative(root, path);
  // The group is outside of the mount (another cgroup namespace), so only the top of the mount is visible.
  if (relative.startsWith('..')) return [point];
  const names = relative.split('/').filter((name) => name !== '');
  return [point, ...names.map((_, depth) => posix.join(point, ...names.slice(0, depth + 1)))];
}

/** Reads `cpu.max`, which holds `$QUOTA $PERIOD` in µs, or `max $PERIOD`. */
function quotaV2(read: Read, folder: string): number {
  const [quota, period] = (read(posix.join(folder, 'cpu.max')) ?? '').trim().split(/\s+/);
  return cores(quota, period);
}

/** Reads quota and period from one file each, in µs; a quota of -1 means no limit. */
function quotaV1(read: Read, folder: string): number {
  const quota = read(posix.join(folder, 'cpu.cfs_quota_us'))?.trim();
  return cores(quota, read(posix.join(folder, 'cpu.cfs_period_us'))?.trim());
}

function cores(quota: string | undefined, period: string | undefined): number {
  return isCount(quota) && isCount(period) ? Number(quota) / Number(period) : Infinity;
}

function isCount(text: string | undefined): boolean {
  return text !== undefined && /^[1-9]\d*$/.test(text);
}

/** Turns a file that is missing or cannot be read into undefined: it says nothing about a limit. */
function lenient(readFile: Machine['readFile']): Read {
  return (path) => {
    try {
      return readFile(path);
    } catch {
      return undefined;
    }
  };
}
