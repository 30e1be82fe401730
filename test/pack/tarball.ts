import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from './project.js';

export const ROOT = resolve(import.meta.dirname, '../..');

interface Packed {
  filename: string;
  files: { path: string }[];
}

/** The package as npm would publish it. */
export class Tarball {
  private constructor(
    private readonly folder: string,
    readonly path: string,
    readonly files: readonly string[],
  ) {}

  /** Of the dist/ that was just built: prepack must not build another. */
  static async pack(): Promise<Tarball> {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-cluster-tarball-'));
    const answer = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], ROOT);
    const packed = Object.values(JSON.parse(answer) as Record<string, Packed>)[0];
    if (!packed) throw new Error(`npm pack packed nothing: ${answer}`);
    const files = packed.files.map(({ path }) => path);
    return new Tarball(folder, join(folder, packed.filename), files);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
