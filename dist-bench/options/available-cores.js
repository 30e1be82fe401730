import { posix } from 'node:path';
/**
 * The cores this process may really use: the processors of its affinity mask, or fewer where a cgroup
 * (v1 or v2, at any level above the process) gives it less CPU time than that.
 *
 * A quota is rounded down, to at least 1, as libuv's `uv_available_parallelism` and uber-go/automaxprocs do:
 * one process too many is throttled together with all the others. Missing or malformed files are no limit.
 */
export function availableCores({ parallelism, readFile, platform = 'linux' }) {
    const quota = platform === 'linux' ? cpuQuota(lenient(readFile)) : Infinity;
    return Math.max(1, Math.floor(Math.min(parallelism, quota)));
}
/** The smallest quota over this process, in cores. */
function cpuQuota(read) {
    const groups = (read('/proc/self/cgroup') ?? '').split('\n').map(parseGroup);
    const mounts = (read('/proc/self/mountinfo') ?? '').split('\n').map(parseMount);
    let least = Infinity;
    for (const group of groups) {
        for (const mount of mounts) {
            if (!group || !mount || !belongs(group, mount))
                continue;
            for (const folder of levels(group.path, mount)) {
                least = Math.min(least, group.version === 2 ? quotaV2(read, folder) : quotaV1(read, folder));
            }
        }
    }
    return least;
}
/** A line of /proc/self/cgroup (cgroups(7)) that says where this process's CPU time is accounted. */
function parseGroup(line) {
    const [, id, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined)
        return undefined;
    if (id === '0' && controllers === '')
        return { version: 2, path };
    return controllers?.split(',').includes('cpu') ? { version: 1, path } : undefined;
}
/** A line of /proc/self/mountinfo (proc(5)): `36 35 0:31 root point options [optional…] - type source superOptions`. */
function parseMount(line) {
    const [before, after] = line.split(' - ');
    const [, , , root, point] = (before ?? '').split(' ');
    const [type, , superOptions] = (after ?? '').split(' ');
    if (!root || !point || !type)
        return undefined;
    return { root: unescape(root), point: unescape(point), type, superOptions: (superOptions ?? '').split(',') };
}
/** Blanks and backslashes in a path are written as three octal digits there. */
function unescape(path) {
    return path.replaceAll(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
}
function belongs(group, mount) {
    return group.version === 2 ? mount.type === 'cgroup2' : mount.type === 'cgroup' && mount.superOptions.includes('cpu');
}
/** The folders of a group and of all groups above it, as far up as the mount shows. */
function levels(path, { root, point }) {
    const relative = posix.relative(root, path);
    // Outside of what is mounted (another cgroup namespace): the top of the mount is all there is to see.
    if (relative.startsWith('..'))
        return [point];
    const names = relative.split('/').filter((name) => name !== '');
    return [point, ...names.map((_, depth) => posix.join(point, ...names.slice(0, depth + 1)))];
}
/** `cpu.max` holds `$QUOTA $PERIOD` in µs, or `max $PERIOD`. */
function quotaV2(read, folder) {
    const [quota, period] = (read(posix.join(folder, 'cpu.max')) ?? '').trim().split(/\s+/);
    return cores(quota, period);
}
/** In µs, one file each; a quota of -1 is none. */
function quotaV1(read, folder) {
    const quota = read(posix.join(folder, 'cpu.cfs_quota_us'))?.trim();
    return cores(quota, read(posix.join(folder, 'cpu.cfs_period_us'))?.trim());
}
function cores(quota, period) {
    return isCount(quota) && isCount(period) ? Number(quota) / Number(period) : Infinity;
}
function isCount(text) {
    return text !== undefined && /^[1-9]\d*$/.test(text);
}
/** A file that is not there or may not be read says nothing about a limit. */
function lenient(readFile) {
    return (path) => {
        try {
            return readFile(path);
        }
        catch {
            return undefined;
        }
    };
}
//# sourceMappingURL=available-cores.js.map