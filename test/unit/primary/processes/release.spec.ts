import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { linkedFolder, linkedScript, Releases } from '../../../../lib/primary/processes/release.js';

describe('the link by which a working directory was entered', () => {
  const folder = '/srv/releases/1';
  /** Where each link leads to. */
  const links: Record<string, string> = { '/srv/current': folder, '/srv/other': '/srv/releases/0' };
  const isSame = (one: string, other: string) => (links[one] ?? one) === (links[other] ?? other);
  const script = '/srv/releases/1/dist/main.js';

  it.each([
    ['a shell says (PWD)', { script, hints: ['/srv/current'] }, '/srv/current'],
    ['PM2 says, where PWD is of whoever called pm2', { script, hints: ['/root', '/srv/current'] }, '/srv/current'],
    ["the script's path says", { script: '/srv/current/dist/main.js', hints: [] }, '/srv/current'],
    ['nobody says', { script, hints: [undefined, '/srv/releases/1'] }, undefined],
    ['a variable says that leads elsewhere', { script, hints: ['/srv/other', '/home'] }, undefined],
    ['a variable says that is no absolute path', { script, hints: ['current', ''] }, undefined],
  ])('is what %s', (_, { script: started, hints }, expected) => {
    expect(linkedFolder({ script: started, folder, hints }, isSame)).toBe(expected);
  });

  it('is on the way to the script, unless that lies elsewhere', () => {
    const place = { folder, hints: [] };
    expect(linkedScript({ ...place, script }, '/srv/current')).toBe('/srv/current/dist/main.js');
    expect(linkedScript({ ...place, script: folder }, '/srv/current')).toBe('/srv/current');
    expect(linkedScript({ ...place, script: '/opt/run.js' }, '/srv/current')).toBe('/opt/run.js');
    expect(linkedScript({ ...place, script: '/srv/releases/10/main.js' }, '/srv/current')).toBe(
      '/srv/releases/10/main.js',
    );
    expect(linkedScript({ ...place, script }, undefined)).toBe(script);
  });
});

describe('a generation of workers', () => {
  let root: string;
  const warnings: string[] = [];
  const main = (version: number) => join(root, `releases/${version}/dist/main.js`);
  const release = (version: number) => join(root, `releases/${version}`);

  function point(version: number): void {
    symlinkSync(`releases/${version}`, join(root, 'next'));
    renameSync(join(root, 'next'), join(root, 'current'));
  }

  function releases(how: { hints?: string[]; fork?: object; script?: string; folder?: string } = {}): Releases {
    const { hints = [join(root, 'current')], fork = {}, script = main(1), folder = release(1) } = how;
    return new Releases({ script, folder, hints }, fork, (message) => warnings.push(message));
  }

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'release-')));
    warnings.length = 0;
    for (const version of [1, 2, 3]) mkdirSync(join(root, `releases/${version}/dist`), { recursive: true });
    point(1);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('runs the release that the link pointed to when it began; a later one runs the next', () => {
    const all = releases();
    expect(all.of(1)).toEqual({ exec: main(1), cwd: release(1), name: main(1) });
    point(2);
    expect(all.of(1).name).toBe(main(1));
    expect(all.of(2)).toEqual({ exec: main(2), cwd: release(2), name: main(2) });
    point(3);
    expect(all.of(2).name).toBe(main(2));
    expect(warnings).toEqual([]);
  });

  it('follows the link in the path of a script that was started from outside', () => {
    const all = releases({ hints: [], script: join(root, 'current/dist/main.js'), folder: root });
    expect(all.of(1)).toEqual({ exec: main(1), cwd: root, name: main(1) });
    point(2);
    expect(all.of(2)).toEqual({ exec: main(2), cwd: root, name: main(2) });
  });

  it('whose release was removed runs what the link points to, and that is said', () => {
    const all = releases();
    all.of(1);
    point(2);
    rmSync(release(1), { recursive: true });
    expect(all.of(1)).toEqual({ exec: main(2), cwd: release(2), name: main(2) });
    expect(warnings).toEqual([`the release that ran is gone (${main(1)}); workers are started from ${main(2)}`]);
  });

  it('whose release was removed, and no link is known: that is said once, with what to do', () => {
    const all = releases({ hints: [] });
    all.of(1);
    point(2);
    rmSync(release(1), { recursive: true });
    all.of(1);
    all.of(1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('no worker can be started. Put it back, or start the cluster anew');
  });

  it('of a reload that failed is forgotten: the next one follows the link anew', () => {
    const all = releases();
    all.of(1);
    point(2);
    all.of(2);
    all.forgetAfter(1);
    point(3);
    expect(all.of(2).name).toBe(main(3));
    expect(all.of(1).name).toBe(main(1));
  });

  it("is started by the user's own exec and cwd", () => {
    const exec = join(root, 'current/dist/worker.js');
    const fork = { exec, cwd: join(root, 'current') };
    expect(releases({ fork }).of(1)).toEqual({ ...fork, name: join(release(1), 'dist/worker.js') });
    expect(releases({ fork: { cwd: fork.cwd } }).of(1)).toEqual({ exec: main(1), cwd: fork.cwd, name: main(1) });
  });
});
