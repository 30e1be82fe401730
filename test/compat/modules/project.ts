import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { run } from '../../pack/project.js';
import { ROOT, Tarball } from '../../pack/tarball.js';

/** The major version of Nest that the apps run on. */
export const NEST = process.env['NEST_UNDER_TEST'] ?? '12';

const FOLDER = join(import.meta.dirname, `nest-${NEST}`);
const MODULES = join(FOLDER, 'node_modules');
const DIST = join(FOLDER, 'dist');

/** What the installation was made of, so that it is made anew when that changes. */
const STAMP = join(MODULES, '.lock-file');

/** What npm may take for some 400 packages on a busy machine, and the compiler after it, in ms. */
export const PREPARE_LIMIT = 600_000;

/**
 * Installs the packages of the lock file, where they are not there yet, and this package as npm would publish it, and
 * compiles the apps as a user does. It needs npm's registry at the first time; without it, it fails and nothing is skipped.
 */
export async function prepareApps(): Promise<void> {
  await install();
  await unpack();
  await rm(DIST, { recursive: true, force: true });
  // A copy, for packages are looked for in the folders above a file.
  await cp(join(import.meta.dirname, 'src'), join(DIST, 'src'), { recursive: true });
  await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'dist/src'], FOLDER);
  await cp(join(import.meta.dirname, 'src/sums.proto'), join(DIST, 'sums.proto'));
}

/** Main file of an app, compiled. */
export const appMain = (name: string): string => join(DIST, `${name}.main.js`);

/** What the gRPC app speaks. */
export const sumsProto = join(DIST, 'sums.proto');

/** A package of the apps, for their clients. */
export const packageOfApps: NodeJS.Require = createRequire(join(FOLDER, 'package.json'));

async function install(): Promise<void> {
  const wanted = createHash('sha256')
    .update(await readFile(join(FOLDER, 'package-lock.json')))
    .digest('hex');
  const there = await readFile(STAMP, 'utf8').catch(() => undefined);
  if (there === wanted) return;
  // No script of a package is needed: what is native comes compiled.
  await run('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], FOLDER);
  await writeFile(STAMP, wanted);
}

async function unpack(): Promise<void> {
  const tarball = await Tarball.pack();
  const folder = join(MODULES, 'nestjs-cluster');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await run('tar', ['-xzf', tarball.path, '--strip-components=1', '-C', folder], FOLDER);
  await tarball.remove();
}
