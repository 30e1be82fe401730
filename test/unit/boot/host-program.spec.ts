import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { launchedScript } from '../../../lib/platform/environment.js';
import { type Files, hostProgram, mainScript } from '../../../lib/boot/host-program.js';

/** A disk that has these files and folders, and no symbolic links. */
function disk(...entries: string[]): Files {
  return { exists: (file) => entries.includes(file), real: (file) => file };
}

const PROJECT = disk('/srv/app/package.json', '/srv/app/node_modules');
const file = (path: string) => ({ file: path, isEvaluated: false });
const evaluatedBy = (path: string) => ({ file: path, isEvaluated: true });
const NEST = file('/srv/app/node_modules/@nestjs/core/nest-factory.js');

describe("the app's own main script runs", () => {
  it.each([
    ['main.js boots the app', '/srv/app/dist/main.js', [file('/srv/app/dist/main.js')]],
    ['a file that main.js imports does', '/srv/app/dist/main.js', [file('/srv/app/dist/bootstrap.js')]],
    [
      'a library does',
      '/srv/app/dist/main.js',
      [NEST, file('/srv/app/node_modules/kit/boot.js'), file('/srv/app/dist/main.js')],
    ],
    [
      'a library does, and nothing else is on the stack',
      '/srv/app/dist/main.js',
      [file('/srv/app/node_modules/kit/boot.js')],
    ],
    ['nothing is known', '/srv/app/dist/main.js', []],
    [
      'a bundle whose modules are strings (devtool: eval)',
      '/srv/app/dist/main.js',
      [evaluatedBy('/srv/app/dist/main.js')],
    ],
    [
      'the app is an installed command',
      '/usr/lib/node_modules/cats/dist/main.js',
      [file('/usr/lib/node_modules/cats/dist/main.js')],
    ],
  ])('%s', (_, main, callers) => {
    expect(hostProgram(main, callers, PROJECT)).toBeUndefined();
  });

  it('packages of one workspace belong together', () => {
    const workspace = disk('/mono/package.json', '/mono/packages/api/package.json', '/mono/packages/kit/package.json');
    const callers = [file('/mono/packages/kit/dist/bootstrap.js')];
    expect(hostProgram('/mono/packages/api/dist/main.js', callers, workspace)).toBeUndefined();
  });

  it('where no package.json and no node_modules tell a project, as in an image of a bundle', () => {
    expect(hostProgram('/app/dist/main.js', [file('/app/lib/bootstrap.js')], disk())).toBeUndefined();
  });

  it('symbolic links are followed', () => {
    const files: Files = { ...PROJECT, real: (path) => path.replace('/srv/current', '/srv/app') };
    expect(hostProgram('/srv/app/dist/main.js', [file('/srv/current/dist/main.js')], files)).toBeUndefined();
  });
});

describe('a program has imported the app', () => {
  it.each([
    [
      'Vite',
      '/srv/app/node_modules/vite/bin/vite.js',
      [evaluatedBy('/srv/app/node_modules/vite/dist/node/runner.js')],
      'vite',
    ],
    [
      'a script of the project that runs Vite',
      '/srv/app/dev.js',
      [evaluatedBy('/srv/app/node_modules/vite/dist/node/runner.js')],
      'vite',
    ],
    ['vite-node', '/srv/app/node_modules/vite-node/vite-node.mjs', [file('/srv/app/src/main.ts')], 'vite-node'],
    [
      'jest, which calls itself by a scoped name',
      '/srv/app/node_modules/@jest/cli/bin/jest.js',
      [file('/srv/app/test/app.spec.js')],
      '@jest/cli',
    ],
    [
      'a command that is installed globally',
      '/usr/lib/node_modules/nx/bin/nx.js',
      [NEST, file('/srv/app/dist/main.js')],
      'nx',
    ],
    ['a tool, and only libraries are on the stack', '/srv/app/node_modules/tool/bin.js', [NEST], 'tool'],
  ])('%s', (_, main, callers, host) => {
    expect(hostProgram(main, callers, PROJECT)).toBe(host);
  });

  it('a host that is no installed package: AWS Lambda, Passenger', () => {
    const files = disk('/var/runtime/node_modules', '/var/task/package.json');
    expect(hostProgram('/var/runtime/index.mjs', [file('/var/task/dist/lambda.js')], files)).toBe(
      '/var/runtime/index.mjs',
    );
  });
});

describe('the main script', () => {
  it('is the file that Node was told to run, with or without its extension', () => {
    const here = import.meta.filename;
    expect(mainScript(here)).toBe(here);
    expect(mainScript(here.replace(/\.spec\.ts$/, '.spec.missing'))).toBeUndefined();
  });

  it('is what a launcher was told to run', () => {
    const launcher = createRequire(import.meta.url).resolve('@nestjs/core');
    const told = (name: string | undefined) => (name === '@nestjs/core' ? import.meta.filename : undefined);
    expect(mainScript(launcher, told)).toBe(import.meta.filename);
    expect(mainScript(launcher, () => undefined)).toContain('core');
  });

  it('of PM2 and Nx is what their environment says, for which theirs alone is looked at', () => {
    const env = { pm_exec_path: '/srv/app/dist/main.js', NX_FILE_TO_RUN: '/srv/nx/main.js' };
    expect(launchedScript('pm2', env)).toBe('/srv/app/dist/main.js');
    expect(launchedScript('@nx/js', env)).toBe('/srv/nx/main.js');
    expect(launchedScript('vite', env)).toBeUndefined();
    expect(launchedScript(undefined, env)).toBeUndefined();
  });

  it.each([[undefined], ['-'], ['argument-of-node-e']])('%p is none', (argument) => {
    expect(mainScript(argument)).toBe(argument === undefined ? mainScript() : undefined);
  });
});
