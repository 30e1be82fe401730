import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from './run.js';

const CACHE = join(ROOT, '.nodes');

/**
 * Path of a Node of this version ('24', '24.8.0'). At first it is fetched from npm; from then on it is the same
 * one. From the command line: `node scripts/node-binary.js 24`.
 */
export function nodeBinary(version) {
  if (!/^\d+(\.\d+){0,2}$/.test(version)) throw new Error(`${version}: expected a version of Node, such as 24.`);
  const directory = join(CACHE, version);
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(directory, 'node_modules', name, 'bin/node');
  if (!existsSync(path)) install(`${name}@${version}`, directory);
  if (!existsSync(path)) throw new Error(`${name}@${version} has no bin/node.`);
  return path;
}

/** Nothing but node_modules/ is written, which git ignores wherever it is. */
function install(name, directory) {
  const args = ['install', '--prefix', directory, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', name];
  // Standard output is for the path.
  const { status, error } = spawnSync('npm', args, { stdio: ['ignore', process.stderr.fd, 'inherit'] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${name} could not be installed.`);
}

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename)
  console.log(nodeBinary(process.argv[2] ?? ''));
