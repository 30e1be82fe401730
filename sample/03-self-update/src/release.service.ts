import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MessengerService } from 'nestjs-cluster';

/** Where the code that this app rewrites lives. */
const FOLDER = resolve(process.env.RELEASE_DIR ?? 'self-update-release');
const FILE = resolve(FOLDER, 'greeting.mjs');

/** What the rewritten code exports. */
interface Release {
  readonly version: string;
  greet(name: string): string;
}

/** The part of this app's code that changes while it runs. */
@Injectable()
export class ReleaseService implements OnModuleInit {
  /** The code that was on disk when this worker started. */
  current!: Release;

  constructor(private readonly messenger: MessengerService) {}

  /** Every worker starts with this: one of them writes release 1 if there is none, the others wait for it. */
  async onModuleInit(): Promise<void> {
    await this.messenger.runOnce('first-release', () => this.ensureOne());
    this.current = (await import(pathToFileURL(FILE).href)) as Release;
  }

  /** Replaces the code on disk. Workers that run keep what they have loaded. */
  async write(version: string): Promise<void> {
    const name = JSON.stringify(version);
    const code = `export const version = ${name};\nexport const greet = (name) => \`Hello \${name}, from release \${version}\`;\n`;
    await mkdir(FOLDER, { recursive: true });
    // Renamed into place: a worker that starts right now loads the old code or the new, never half of it.
    const draft = `${FILE}.${process.pid}`;
    await writeFile(draft, code);
    await rename(draft, FILE);
  }

  private async ensureOne(): Promise<void> {
    try {
      await access(FILE);
    } catch {
      await this.write('1');
    }
  }
}
