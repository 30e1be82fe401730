import { describe, expect, it } from '@jest/globals';
import { shutdownUnder, watcherAmong } from '../../../lib/primary/watcher.js';

const development = { isProduction: false, reportsDependencies: false };

describe('the program that restarts the app at each edit', () => {
  it.each([
    ['nest', ['node', '/app/node_modules/.bin/nest', 'start', '--watch']],
    ['nest', ['/usr/bin/node', '/app/node_modules/@nestjs/cli/bin/nest.js', 'start', 'api', '--debug', '-w']],
    ['tsx', ['node', '/app/node_modules/tsx/dist/cli.mjs', 'watch', 'src/main.ts']],
    ['nodemon', ['node', '/app/node_modules/.bin/nodemon', 'dist/main.js']],
    ['nodemon', ['node', '/usr/lib/node_modules/nodemon/bin/nodemon.js', '--exec', 'ts-node', 'src/main.ts']],
    ['ts-node-dev', ['node', '/app/node_modules/ts-node-dev/lib/bin.js', '--respawn', 'src/main.ts']],
    ['tsc-watch', ['node', '/app/node_modules/.bin/tsc-watch', '--onSuccess', 'node dist/main.js']],
    ['webpack', ['webpack']],
    ['nx', ['node', '/app/node_modules/.bin/nx', 'serve', 'api']],
    ['nx', ['node', '/app/node_modules/.bin/nx', 'run', 'api:serve:development']],
    ['watchexec', ['/usr/bin/watchexec', '-r', 'node', 'dist/main.js']],
    ['node --watch', ['node', '--enable-source-maps', '--watch', 'dist/main.js']],
    ['node --watch', ['/opt/node/bin/node', '--watch-path=./dist', 'dist/main.js']],
  ])('is %s in %j', (name, command) => {
    const shells = [['sh', '-c', 'node dist/main.js'], command, ['npm run start:dev'], ['bash']];
    expect(watcherAmong({ ...development, ancestors: shells })?.name).toBe(name);
  });

  it.each([
    [['node', '/app/node_modules/.bin/nest', 'start']],
    [['node', '/app/node_modules/tsx/dist/cli.mjs', 'src/main.ts', 'watch-list.json']],
    [['node', '/app/node_modules/tsx/dist/cli.mjs', 'src/cli.ts', 'watch']],
    [['node', '/app/dist/main.js', '--watch']],
    [['node', '/app/watch.js']],
    [['npm run start:dev']],
    [['PM2 v7.0.0: God Daemon (/root/.pm2)']],
    [['/sbin/init']],
    [['node', '/app/node_modules/.bin/concurrently', 'npm:start']],
    [['constructor']],
    [[]],
  ])('is not %j', (command) => {
    expect(watcherAmong({ ...development, ancestors: [command] })).toBeUndefined();
  });

  it('is known by the variable that node --watch sets', () => {
    expect(watcherAmong({ ...development, reportsDependencies: true, ancestors: [] })?.name).toBe('node --watch');
  });

  it('is none in production', () => {
    const ancestors = [['node', '/app/node_modules/.bin/nodemon', 'dist/main.js']];
    expect(watcherAmong({ isProduction: true, reportsDependencies: true, ancestors })).toBeUndefined();
  });

  it('may end the app by a signal that means a reload otherwise', () => {
    const signals = (command: string[]) => watcherAmong({ ...development, ancestors: [command] })?.stopSignals;
    expect(signals(['node', '/app/node_modules/.bin/nodemon', 'dist/main.js'])).toContain('SIGUSR2');
    expect(signals(['node', '--watch', '--watch-kill-signal=SIGHUP', 'dist/main.js'])).toEqual(['SIGHUP']);
    expect(signals(['node', '--watch', 'dist/main.js'])).toEqual([]);
  });

  it('is not kept waiting: a stop takes less than a second', () => {
    const shutdown = { delay: 5_000, timeout: 30_000, killAfter: 5_000 };
    const { delay, timeout, killAfter } = shutdownUnder({ name: 'nest', stopSignals: [] }, shutdown);
    expect(delay + timeout + killAfter).toBeLessThan(1_000);
    expect(shutdownUnder(undefined, shutdown)).toBe(shutdown);
    expect(shutdownUnder({ name: 'nest', stopSignals: [] }, { ...shutdown, timeout: 100 }).timeout).toBe(100);
  });
});
