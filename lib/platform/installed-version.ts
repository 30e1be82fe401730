import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The version of the package that is imported here under `name`; undefined if it cannot be found out. */
export function installedVersion(name: string): string | undefined {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve(name));
  } catch {
    return undefined; // not installed, or can only be imported as an ES module
  }
  // The exports of a package may hide its package.json from require, so it is searched above the package's main file.
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    const found = readPackage(join(folder, 'package.json'));
    if (found?.name === name) return found.version;
  }
  return undefined;
}

function readPackage(file: string): { name?: string; version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
  } catch {
    return undefined; // no such file in this folder
  }
}
