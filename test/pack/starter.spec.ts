import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { freePort, Project, run } from './project.js';
import { filesOf, MANIFEST, NODE_10, NODE_NEXT } from './starter.js';
import { Tarball } from './tarball.js';

const WORKERS = 2;
const NEST = ['common', 'core', 'platform-express', 'testing', 'cli'].map((name) => `@nestjs/${name}@11`);
const OTHERS = ['reflect-metadata', 'rxjs', 'supertest', '@types/supertest', '@types/node@24', '@types/express@5'];

/** An app's own queues: older than those the engines are made for. */
const QUEUES = ['@nestjs/bullmq@11', 'bullmq@5', 'ioredis@5'];

/** Asks for the engine, for which the queues' packages are too old. */
const ENGINE = `
import { redis } from 'nestjs-cluster/redis';

const context = { cluster: 'c', environment: 'e', client: 'test', maxMessage: 1000 };
redis({ url: 'redis://localhost' }).create(context).catch((error: Error) => console.log(error.message));
`;

/** What npm may take to install some 500 packages on a busy machine, in ms. */
const INSTALL_LIMIT = 600_000;

let tarball: Tarball;
let project: Project;

beforeAll(async () => {
  tarball = await Tarball.pack();
  project = await Project.create(MANIFEST);
  await project.install(...NEST, ...OTHERS, ...QUEUES);
}, INSTALL_LIMIT);
afterEach(() => project.stop());
afterAll(() => Promise.all([project.remove(), tarball.remove()]));

describe.each([
  ['with Jest 30, TypeScript 5.9 and moduleResolution nodenext', NODE_NEXT],
  ['with Jest 29, TypeScript 5.7 and moduleResolution node10', NODE_10],
])('the starter of Nest 11 %s, and queues of its own', (_, starter) => {
  beforeAll(async () => {
    for (const [file, content] of Object.entries(filesOf(starter))) await project.write(file, content);
    await project.write('src/engine.ts', ENGINE);
    await project.install(...starter.tools);
    // Alone, as a user adds it: npm refuses it where it fits none of the versions that are there.
    await project.install(tarball.path);
  }, INSTALL_LIMIT);

  it.each(['test', 'test:e2e'])('npm run %s passes and ends by itself', async (script) => {
    // It rejects with the output of a run that fails.
    expect(await run('npm', ['run', script, '--', '--ci'], project.folder)).toContain('jest');
  });

  it('nest build compiles it; its workers answer, and SIGTERM ends them with 0', async () => {
    await run('npm', ['run', 'build'], project.folder);
    const port = await freePort();
    const app = await project.start(
      'dist/main.js',
      { PORT: String(port) },
      new RegExp(`${WORKERS} workers are ready`),
      1,
    );

    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    expect(await answer.text()).toBe('Hello World!');

    const exit = once(app, 'exit');
    app.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  });

  it('the engine names the package that is too old for it, and the command', async () => {
    expect(await run(process.execPath, ['dist/engine.js'], project.folder)).toMatch(
      /redis\(\) needs the package bullmq in version 6; 5\.\S+ is installed.*npm install bullmq@6/,
    );
  });
});
