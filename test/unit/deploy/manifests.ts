import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../../..');
const FOLDER = join(ROOT, 'deploy');

/** What a YAML document holds, where a test says what it expects there. */
export type Json = any;

export function deployed(path: string): string {
  return readFileSync(join(FOLDER, path), 'utf8');
}

export function composeFile(path: string): Json {
  return parse(deployed(path), { merge: true });
}

/** Paths of everything that is YAML in deploy/. */
export function yamlFiles(): string[] {
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.ya?ml$/.test(path))
    .toSorted();
}

/** The documents of a file of Kubernetes manifests. A key that is there twice is an error. */
export function manifests(path: string): Json[] {
  return parseAllDocuments(deployed(path)).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS();
  });
}

/** The one document of that kind and name. */
export function manifest(path: string, kind: string, name: string): Json {
  const found = manifests(path).filter((document) => document.kind === kind && document.metadata.name === name);
  if (found.length !== 1) throw new Error(`${found.length} of ${kind} ${name} in ${path}`);
  return found[0];
}
