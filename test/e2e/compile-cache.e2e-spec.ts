import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, useApps } from '../support/index.js';
import { NODE_HAS_COMPILE_CACHE } from '../support/environment.js';
import { giveChild, startSupervised } from '../support/supervised-app.js';

const apps = useApps();
const cluster = { startup: { compileCache: true } };

/** Where the apps of a test put temporary files. */
let TMPDIR: string;

beforeEach(() => {
  TMPDIR = mkdtempSync(join(tmpdir(), 'compile-cache-'));
});
afterEach(() => rmSync(TMPDIR, { recursive: true, force: true }));

const folders = (): string[] => readdirSync(TMPDIR).filter((name) => name.startsWith('nestjs-cluster-'));

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}

(NODE_HAS_COMPILE_CACHE ? describe : describe.skip)('compiled code that is kept for the next worker', () => {
  it('is there once the workers are, in a folder that is nobody else’s, and gone after the stop', async () => {
    const app = await startSupervised(apps, { env: { TMPDIR }, cluster });
    const [folder] = folders().map((name) => join(TMPDIR, name));
    expect(statSync(folder!).mode & 0o777).toBe(0o700);
    expect(filesBelow(folder!).length).toBeGreaterThan(0);
    await app.process.stop();
    expect(folders()).toEqual([]);
  });

  it('is gone after a kill -9 of the primary, too', async () => {
    const app = await startSupervised(apps, { env: { TMPDIR }, cluster });
    expect(folders()).toHaveLength(1);
    app.process.kill('SIGKILL');
    await app.process.waitForExit();
    await eventually(() => folders().length === 0, { what: 'the end of the folder' });
  });

  it('is no business of the processes that a worker starts', async () => {
    const app = await startSupervised(apps, { env: { TMPDIR }, cluster });
    const environment = readFileSync(`/proc/${await giveChild(app, 0)}/environ`, 'utf8').split('\0');
    expect(environment).toContain(`TMPDIR=${TMPDIR}`);
    expect(environment.filter((entry) => entry.includes('COMPILE_CACHE'))).toEqual([]);
  });

  it('is not there unless it is asked for', async () => {
    await startSupervised(apps, { env: { TMPDIR } });
    expect(folders()).toEqual([]);
  });

  it('a NODE_COMPILE_CACHE of the user is left alone', async () => {
    const NODE_COMPILE_CACHE = join(TMPDIR, 'mine');
    const app = await startSupervised(apps, { env: { TMPDIR, NODE_COMPILE_CACHE }, cluster });
    expect(folders()).toEqual([]);
    await app.process.stop();
    expect(filesBelow(NODE_COMPILE_CACHE).length).toBeGreaterThan(0);
  });
});
