import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { availableCores } from '../../../lib/options/available-cores.js';

type Files = Record<string, string>;

const ROOTFS = '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw';
const V2 = '31 22 0:27 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate';
const V1_CPU = '34 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:10 - cgroup cgroup rw,cpu,cpuacct';
const V1_SET = '35 31 0:31 / /sys/fs/cgroup/cpuset rw,nosuid shared:11 - cgroup cgroup rw,cpuset';
const HYBRID = '32 31 0:28 / /sys/fs/cgroup/unified rw,nosuid shared:12 - cgroup2 cgroup2 rw';

/** A machine of 16 cores with only these files. */
function cores(files: Files, parallelism = 16): number {
  return availableCores({
    parallelism,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
      return text;
    },
  });
}

const lines = (...text: string[]) => `${text.join('\n')}\n`;

describe('availableCores with cgroup v2', () => {
  const inGroup = (path: string, mount = V2): Files => ({
    '/proc/self/cgroup': lines(`0::${path}`),
    '/proc/self/mountinfo': lines(ROOTFS, mount),
  });

  it('a container with its own cgroup namespace: its quota counts', () => {
    expect(cores({ ...inGroup('/'), '/sys/fs/cgroup/cpu.max': '400000 100000\n' })).toBe(4);
  });

  it.each([
    ['250000 100000', 2],
    ['199999 100000', 1],
    ['50000 100000', 1],
    ['1000000 500000', 2],
    ['3200000 100000', 16],
  ])('%s on 16 cores: %i, rounded down, at least 1, at most the cores', (max, expected) => {
    expect(cores({ ...inGroup('/'), '/sys/fs/cgroup/cpu.max': max })).toBe(expected);
  });

  it('the smallest quota on the way up wins, wherever it is', () => {
    const group = inGroup('/system.slice/app.service');
    const limits = (top: string, slice: string, app: string): Files => ({
      ...group,
      '/sys/fs/cgroup/cpu.max': top,
      '/sys/fs/cgroup/system.slice/cpu.max': slice,
      '/sys/fs/cgroup/system.slice/app.service/cpu.max': app,
    });
    expect(cores(limits('max 100000', '300000 100000', 'max 100000'))).toBe(3);
    expect(cores(limits('max 100000', '300000 100000', '200000 100000'))).toBe(2);
    expect(cores(limits('500000 100000', 'max 100000', '800000 100000'))).toBe(5);
  });

  it('the root group of a host has no cpu.max: what lies below it counts', () => {
    expect(cores({ ...inGroup('/app'), '/sys/fs/cgroup/app/cpu.max': '600000 100000' })).toBe(6);
  });

  it('the mount shows only a part of the tree: the path is taken from there', () => {
    const mount = V2.replace(' / /sys/fs/cgroup', ' /docker/abc /sys/fs/cgroup');
    const files = { '/sys/fs/cgroup/cpu.max': '300000 100000', '/sys/fs/cgroup/app/cpu.max': '200000 100000' };
    expect(cores({ ...inGroup('/docker/abc', mount), ...files })).toBe(3);
    expect(cores({ ...inGroup('/docker/abc/app', mount), ...files })).toBe(2);
  });

  it('a path outside of what is mounted: the top of the mount counts', () => {
    const mount = V2.replace(' / /sys/fs/cgroup', ' /docker/abc /sys/fs/cgroup');
    expect(cores({ ...inGroup('/user.slice', mount), '/sys/fs/cgroup/cpu.max': '700000 100000' })).toBe(7);
    expect(cores({ ...inGroup('/../other'), '/sys/fs/cgroup/cpu.max': '700000 100000' })).toBe(7);
  });

  it('a mount point with a blank in its name is found', () => {
    const mount = V2.replace('/sys/fs/cgroup', '/my\\040groups');
    expect(cores({ ...inGroup('/', mount), '/my groups/cpu.max': '400000 100000' })).toBe(4);
  });

  it.each(['max 100000', 'max', '', 'abc def', '400000', '400000 0', '0 100000', '-1 100000', '4e5 100000'])(
    'cpu.max of %j is no limit',
    (max) => {
      expect(cores({ ...inGroup('/'), '/sys/fs/cgroup/cpu.max': max })).toBe(16);
    },
  );
});

describe('availableCores with cgroup v1', () => {
  const CPU = '/sys/fs/cgroup/cpu,cpuacct';
  const groups = (path: string) => lines(`5:cpuset:${path}`, `4:cpu,cpuacct:${path}`, `1:name=systemd:${path}`);
  const quota = (folder: string, us: number, period = 100_000): Files => ({
    [`${folder}/cpu.cfs_quota_us`]: `${us}\n`,
    [`${folder}/cpu.cfs_period_us`]: `${period}\n`,
  });
  const base = (path: string, ...mounts: string[]): Files => ({
    '/proc/self/cgroup': groups(path),
    '/proc/self/mountinfo': lines(ROOTFS, ...mounts),
  });

  it('quota and period of the cpu controller count, rounded down', () => {
    expect(cores({ ...base('/', V1_SET, V1_CPU), ...quota(CPU, 350_000) })).toBe(3);
    expect(cores({ ...base('/', V1_SET, V1_CPU), ...quota(CPU, 100_000, 50_000) })).toBe(2);
  });

  it('-1 is no limit', () => {
    expect(cores({ ...base('/', V1_CPU), ...quota(CPU, -1) })).toBe(16);
  });

  it('the smallest quota on the way up wins', () => {
    const files = { ...quota(CPU, -1), ...quota(`${CPU}/pods`, 200_000), ...quota(`${CPU}/pods/app`, 600_000) };
    expect(cores({ ...base('/pods/app', V1_CPU), ...files })).toBe(2);
  });

  it('a container that sees the host path in /proc/self/cgroup: the mount tells where it is', () => {
    const mount = V1_CPU.replace(' / ', ' /docker/abc ');
    expect(cores({ ...base('/docker/abc', mount), ...quota(CPU, 400_000) })).toBe(4);
  });

  it('a quota in the folder of another controller does not count', () => {
    expect(cores({ ...base('/', V1_SET), ...quota('/sys/fs/cgroup/cpuset', 100_000) })).toBe(16);
  });

  it('a period without a quota, or a quota without a period, is no limit', () => {
    const files = quota(CPU, 100_000);
    delete files[`${CPU}/cpu.cfs_period_us`];
    expect(cores({ ...base('/', V1_CPU), ...files })).toBe(16);
  });

  it('hybrid: v2 is mounted without the cpu controller, and the v1 quota counts', () => {
    const files = {
      '/proc/self/cgroup': `${groups('/app')}0::/app\n`,
      '/proc/self/mountinfo': lines(ROOTFS, V1_CPU, HYBRID),
      ...quota(`${CPU}/app`, 300_000),
    };
    expect(cores(files)).toBe(3);
  });
});

describe('availableCores elsewhere', () => {
  it('no cgroup files at all: what the scheduler allows', () => {
    expect(cores({}, 8)).toBe(8);
  });

  it('malformed files are no limit', () => {
    expect(cores({ '/proc/self/cgroup': 'nonsense\n0:\n::', '/proc/self/mountinfo': '- - -\n\n31 22' }, 8)).toBe(8);
  });

  it('another platform than Linux: no file is read', () => {
    const readFile = jest.fn(() => '100000 100000');
    expect(availableCores({ parallelism: 10, readFile, platform: 'darwin' })).toBe(10);
    expect(readFile).not.toHaveBeenCalled();
  });

  it('whatever the files hold, the answer is a whole number from 1 to the cores', () => {
    const text = fc.oneof(fc.string(), fc.constant(lines(V2)), fc.constant('0::/'), fc.constant('150000 100000'));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 512 }), fc.func(text), (parallelism, readFile) => {
        const answer = availableCores({ parallelism, readFile });
        expect(Number.isInteger(answer)).toBe(true);
        expect(answer).toBeGreaterThanOrEqual(1);
        expect(answer).toBeLessThanOrEqual(parallelism);
      }),
    );
  });
});

describe('availableCores on a tree of real files', () => {
  const root = mkdtempSync(join(tmpdir(), 'nestjs-cluster-cgroup-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('folders and absent files behave as in memory', () => {
    const files: Files = {
      '/proc/self/cgroup': '0::/kube/pod/app\n',
      '/proc/self/mountinfo': lines(ROOTFS, V2),
      '/sys/fs/cgroup/kube/pod/cpu.max': '500000 100000\n',
      '/sys/fs/cgroup/kube/pod/app/cpu.max': 'max 100000\n',
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    expect(availableCores({ parallelism: 16, readFile: (path) => readFileSync(join(root, path), 'utf8') })).toBe(5);
  });
});
