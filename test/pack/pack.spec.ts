import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { CJS_APP, COPIES_APP, ENGINE_APP, ESM_APP, TYPED_APP } from './apps.js';
import { freePort, Project, run } from './project.js';
import { ROOT, Tarball } from './tarball.js';

const WORKERS = 2;
/** Connections after which two workers would both have been met, whatever spreads them. */
const CONNECTIONS = 500;

let tarball: Tarball;

beforeAll(async () => {
  tarball = await Tarball.pack();
});

afterAll(() => tarball.remove());

describe('the tarball', () => {
  it('holds the compiled package with its types, and what a stranger reads first', () => {
    const documents = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'docs/index.md'];
    const compiled = ['dist', 'dist/cjs'].flatMap((dist) => [`${dist}/entry.js`, `${dist}/index.d.ts`]);
    expect(tarball.files).toEqual(expect.arrayContaining([...documents, ...compiled]));
  });

  it('holds nothing else', () => {
    const top =
      /^(dist\/.+\.(js|d\.ts|js\.map)|dist\/.+\.(html|css|svg)|dist\/cjs\/package\.json|docs\/[a-z\d/-]+\.md|[A-Z]+(\.md)?|package\.json)$/;
    expect(tarball.files.filter((file) => !top.test(file))).toEqual([]);
  });
});

describe.each(['11', '12'])('in an empty project with Nest %s', (nest) => {
  let project: Project;

  beforeAll(async () => {
    project = await Project.create();
    await project.install(
      tarball.path,
      ...['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@${nest}`),
      'reflect-metadata',
      'rxjs',
    );
  });

  afterEach(() => project.stop());
  afterAll(() => project.remove());

  it.each([
    ['an ESM app that imports it', 'app.mjs', ESM_APP],
    ['a CommonJS app that requires it', 'app.cjs', CJS_APP],
  ])('%s: each worker answers with its slot, and SIGTERM ends it with 0', async (_, file, source) => {
    await project.write(file, source);
    const port = await freePort();
    const app = await project.start(file, { PORT: String(port) }, /^ready$/, WORKERS);

    expect(await slots(port)).toEqual([0, 1]);

    const exit = once(app, 'exit');
    app.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  });

  it('an engine whose packages are missing says which to install', async () => {
    await project.write('engine.mjs', ENGINE_APP);
    const answer = await run(process.execPath, ['engine.mjs'], project.folder);
    expect(answer).toContain('npm install @nats-io/transport-node@3 @nats-io/jetstream@3 @nats-io/kv@3');
    expect(answer).toContain('npm install ioredis@6 bullmq@6');
    expect(answer).toContain('the suite is a function');
  });

  it('both module formats and a second installation give the same services; the second is one warning', async () => {
    const installed = (folder: string) => join(project.folder, folder, 'node_modules/nestjs-cluster');
    await cp(installed('.'), installed('library'), { recursive: true });
    await project.write('copies.mjs', COPIES_APP);
    const answer = await run(process.execPath, ['copies.mjs'], project.folder);
    expect(answer).toMatch(/^required: the same\nas CommonJS: the same\nof the library: the same\n/);
    expect(answer).toMatch(/injected: true\n$/);
    expect(answer.match(/2 copies of nestjs-cluster/g)).toHaveLength(1);
    expect(answer).toContain(installed('library'));
  });

  it('its types are understood by a TypeScript app, ESM and CommonJS alike', async () => {
    await project.write('typed.mts', TYPED_APP);
    await project.write('typed.cts', TYPED_APP);
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--experimentalDecorators', '--module', 'nodenext'];
    const types = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node', '--target', 'es2022'];
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const errors = await run(process.execPath, [tsc, ...options, ...types, 'typed.mts', 'typed.cts'], project.folder);
    expect(errors).toBe('');
  });
});

/** The slots that answer at `port`, each over connections of its own. */
async function slots(port: number): Promise<number[]> {
  const seen = new Set<number>();
  for (let i = 0; i < CONNECTIONS && seen.size < WORKERS; i++) {
    const { slot, role } = JSON.parse(await ask(port)) as { slot: number; role: string };
    expect(role).toBe('worker');
    seen.add(slot);
  }
  return [...seen].toSorted((a, b) => a - b);
}

async function ask(port: number): Promise<string> {
  const request = get({ host: '127.0.0.1', port, path: '/slot', agent: false });
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return body;
}
