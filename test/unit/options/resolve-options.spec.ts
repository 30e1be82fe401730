import { hostname } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { ClusterOptionsError } from '../../../lib/errors/errors.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';

class PrimaryModule {}

/** The lines of the refusal, one for each problem; fails where nothing is refused. */
function refused(input: unknown): string[] {
  try {
    resolveOptions(input);
  } catch (error) {
    expect(error).toBeInstanceOf(ClusterOptionsError);
    expect((error as ClusterOptionsError).code).toBe('ERR_CLUSTER_OPTIONS');
    const [head, ...lines] = (error as Error).message.split('\n');
    expect(head).toBe('ClusterModule was given options it cannot use:');
    return lines.map((line) => line.trim());
  }
  throw new Error('nothing was refused');
}

describe('resolveOptions: what it fills in', () => {
  it('nothing given: every default of the design', () => {
    expect(resolveOptions(undefined)).toEqual({
      workers: 0,
      enabled: undefined,
      inheritAppConfig: false,
      contexts: false,
      primary: undefined,
      listen: 'auto',
      fork: {},
      startup: { timeout: 60_000, compileCache: false },
      sticky: { proxies: 0 },
      restart: { minDelay: 100, maxDelay: 30_000, resetAfter: 60_000, maxCrashes: undefined, window: 60_000 },
      shutdown: { delay: 0, timeout: 30_000, killAfter: 5_000 },
      reload: { surge: 1, canaryTime: 2_000, onFailure: 'keep', signals: ['SIGHUP', 'SIGUSR2'] },
      watchdog: { interval: 1_000, suspectAfter: 3_000, killAfter: 30_000 },
      recycle: { jitter: 0.2, minLifetime: 60_000 },
      messenger: {
        timeout: 30_000,
        maxPayload: 1_048_576,
        queueLimit: 8_388_608,
        cluster: 'default',
        environment: 'test',
        host: hostname(),
        lease: 10_000,
      },
      onUncaughtException: undefined,
      onUnhandledRejection: undefined,
    });
  });

  it('an empty object is the same as nothing', () => {
    expect(resolveOptions({})).toEqual(resolveOptions(undefined));
  });

  it('a number is the number of workers, 0 included', () => {
    expect(resolveOptions(4)).toEqual({ ...resolveOptions(undefined), workers: 4 });
    expect(resolveOptions(0).workers).toBe(0);
    expect(resolveOptions(1024).workers).toBe(1024);
  });

  it('the keys beside a given one keep their defaults', () => {
    expect(resolveOptions({ reload: { surge: 2 } }).reload).toEqual({
      surge: 2,
      canaryTime: 2_000,
      onFailure: 'keep',
      signals: ['SIGHUP', 'SIGUSR2'],
    });
  });

  it('undefined is the same as absent, at the top and in a section', () => {
    const given = { workers: undefined, enabled: undefined, reload: undefined, watchdog: { interval: undefined } };
    expect(resolveOptions(given)).toEqual(resolveOptions(undefined));
  });

  it('what is given comes through as it was, functions and modules by identity', () => {
    const inspectPort = () => 9300;
    const onUncaughtException = () => false;
    const dynamic = { module: PrimaryModule, providers: [] };
    const fork = {
      exec: 'dist/main.js',
      args: ['--a'],
      execArgv: ['--enable-source-maps'],
      cwd: '/srv',
      env: { A: '1', B: undefined },
      silent: true,
      stdio: ['ignore', 1, null, 'ipc'],
      uid: 1000,
      gid: 0,
      inspectPort,
      serialization: 'advanced',
      windowsHide: true,
    };
    const resolved = resolveOptions({ fork, onUncaughtException, primary: dynamic, enabled: false });
    expect(resolved.fork).toEqual(fork);
    expect(resolved.fork.inspectPort).toBe(inspectPort);
    expect(resolved.onUncaughtException).toBe(onUncaughtException);
    expect(resolved.primary).toBe(dynamic);
    expect(resolved.enabled).toBe(false);
    expect(resolveOptions({ primary: PrimaryModule }).primary).toBe(PrimaryModule);
  });

  it('an instance of a configuration class is an object of options', () => {
    class Configuration {
      workers = 3;
    }
    expect(resolveOptions(new Configuration()).workers).toBe(3);
  });

  it("the caller's object is left as it was", () => {
    const given = Object.freeze({ workers: 2, reload: Object.freeze({ signals: Object.freeze(['SIGHUP']) }) });
    expect(resolveOptions(given).reload.signals).toEqual(['SIGHUP']);
    expect(given).toEqual({ workers: 2, reload: { signals: ['SIGHUP'] } });
  });

  it('every reload may be left to the API: no signals at all', () => {
    expect(resolveOptions({ reload: { signals: [] } }).reload.signals).toEqual([]);
  });
});

describe('resolveOptions: what it refuses', () => {
  const WORKERS = 'expected a whole number from 0 to 1024';
  const MS0 = 'expected a number of ms from 0 to 2147483647';
  const MS1 = 'expected a number of ms from 1 to 2147483647';

  it.each([
    [-1, `workers: got -1; ${WORKERS}`],
    [1.5, `workers: got 1.5; ${WORKERS}`],
    [-1.5, `workers: got -1.5; ${WORKERS}`],
    [NaN, `workers: got NaN; ${WORKERS}`],
    [Infinity, `workers: got Infinity; ${WORKERS}`],
    [1025, `workers: got 1025; ${WORKERS}`],
    [{ workers: 'four' }, `workers: got 'four'; ${WORKERS}`],
    [{ workers: null }, `workers: got null; ${WORKERS}`],
    [{ enabled: 'no' }, "enabled: got 'no'; expected true or false"],
    [{ primary: {} }, 'primary: got {}; expected a module class, or a dynamic module ({ module, … })'],
    [{ listen: 'tcp' }, "listen: got 'tcp'; expected 'auto' or 'reuse-port' or 'round-robin' or 'shared' or 'sticky'"],
    [{ onUncaughtException: true }, 'onUncaughtException: got true; expected a function'],
    [
      { restart: 5 },
      'restart: got 5; expected an object that may hold minDelay, maxDelay, resetAfter, maxCrashes, window',
    ],
    [{ startup: null }, 'startup: got null; expected an object that may hold timeout, compileCache'],
    [{ startup: { timeout: 0 } }, `startup.timeout: got 0; ${MS1}`],
    [{ shutdown: { timeout: '30s' } }, `shutdown.timeout: got '30s'; ${MS0}`],
    [{ shutdown: { delay: -1 } }, `shutdown.delay: got -1; ${MS0}`],
    [{ shutdown: { timeout: 2 ** 31 } }, `shutdown.timeout: got 2147483648; ${MS0}`],
    [{ restart: { maxCrashes: -1 } }, 'restart.maxCrashes: got -1; expected a whole number, 0 or more'],
    [{ reload: { surge: 0 } }, 'reload.surge: got 0; expected a whole number from 1 to 1024'],
    [{ reload: { onFailure: 'stop' } }, "reload.onFailure: got 'stop'; expected 'keep' or 'rollback'"],
    [{ recycle: { memory: 0 } }, 'recycle.memory: got 0; expected a whole number of bytes, 1 or more'],
    [{ recycle: { memory: '512M' } }, "recycle.memory: got '512M'; expected a whole number of bytes, 1 or more"],
    [{ recycle: { requests: -5 } }, 'recycle.requests: got -5; expected a whole number, 1 or more'],
    [{ recycle: { age: 0 } }, `recycle.age: got 0; ${MS1}`],
    [{ recycle: { jitter: 20 } }, 'recycle.jitter: got 20; expected a number from 0 to 1'],
    [
      { messenger: { engine: 'nats' } },
      "messenger.engine: got a text of 4 characters, which may hold a secret; expected an engine, such as nats({ servers }) of 'nestjs-cluster/nats'",
    ],
    [{ messenger: { cluster: 'my shop' } }, "messenger.cluster: got 'my shop'; expected 1 to 64 letters, digits and -"],
    [{ messenger: { lease: 10 } }, 'messenger.lease: got 10; expected a number of ms from 1000 to 2147483647'],
    [{ messenger: { maxPayload: 0.5 } }, 'messenger.maxPayload: got 0.5; expected a whole number of bytes, 1 or more'],
    [{ fork: { uid: -1 } }, 'fork.uid: got -1; expected a whole number from 0 to 4294967295'],
    [{ fork: { gid: 'www' } }, "fork.gid: got 'www'; expected a whole number from 0 to 4294967295"],
    [{ fork: { inspectPort: 'auto' } }, "fork.inspectPort: got 'auto'; expected a port from 0 to 65535, or a function"],
    [{ fork: { env: { PORT: 3000 } } }, 'fork.env.PORT: got 3000; expected a string, or undefined to leave it out'],
    [
      { fork: { args: 'a b' } },
      'fork.args: got a text of 3 characters, which may hold a secret; expected an array of strings',
    ],
    [{ fork: { execArgv: ['-r', undefined] } }, 'fork.execArgv.1: got undefined; expected a string'],
    [{ fork: { serialization: 'v8' } }, "fork.serialization: got 'v8'; expected 'json' or 'advanced'"],
  ])('%p: %s', (input, line) => {
    expect(refused(input)).toEqual([line]);
  });

  it.each([['four'], [null], [true], [[4]], [4n]])('%p is neither a number of workers nor an object', (input) => {
    expect(refused(input)).toEqual([
      expect.stringMatching(
        /^options: got .+; expected the number of workers \(a whole number from 0 to 1024\) or an object/,
      ),
    ]);
  });

  it('everything that is wrong is listed in one error', () => {
    const lines = refused({ workers: -1, reload: { surge: 0, onFailure: 1 }, watchdog: { killAfter: 10 }, colour: 1 });
    expect(lines.map((line) => line.slice(0, line.indexOf(':'))).toSorted()).toEqual([
      'colour',
      'reload.onFailure',
      'reload.surge',
      'watchdog.killAfter',
      'workers',
    ]);
  });

  it('a long value is shortened, and stays on its line', () => {
    const [line] = refused({
      workers: { text: 'x'.repeat(5_000), lines: 'a\nb', list: Array.from({ length: 500 }, () => 'item') },
    });
    expect(line!.length).toBeLessThan(160);
    expect(line).toBe('workers: got an object with text, lines, list; expected a whole number from 0 to 1024');
  });
});

describe('resolveOptions: unknown keys', () => {
  it.each([
    [{ wrokers: 4 }, 'wrokers: got 4; no such option, did you mean workers?'],
    [{ Workers: 4 }, 'Workers: got 4; no such option, did you mean workers?'],
    [{ restart: { minDely: 5 } }, 'restart.minDely: got 5; no such option, did you mean restart.minDelay?'],
    [{ surge: 2 }, 'surge: got 2; no such option, did you mean reload.surge?'],
    [{ killAfter: 2 }, 'killAfter: got 2; no such option, did you mean shutdown.killAfter or watchdog.killAfter?'],
    [
      { reload: { colour: 'red' } },
      'reload.colour: got a text of 3 characters, which may hold a secret; no such option, known here: surge, canaryTime, onFailure, signals',
    ],
  ])('%j: %s', (input, line) => {
    expect(refused(input)).toEqual([line]);
  });
});

describe('resolveOptions: contradictions', () => {
  it.each([
    [
      { watchdog: { suspectAfter: 3_000, killAfter: 3_000 } },
      'watchdog.killAfter: got 3000; expected more than watchdog.suspectAfter (3000)',
    ],
    [
      { watchdog: { interval: 500, suspectAfter: 500 } },
      'watchdog.suspectAfter: got 500; expected more than watchdog.interval (500)',
    ],
    [
      { watchdog: { suspectAfter: 60_000 } },
      'watchdog.killAfter: got 30000 (the default); expected more than watchdog.suspectAfter (60000)',
    ],
    [
      { restart: { minDelay: 200, maxDelay: 199 } },
      'restart.maxDelay: got 199; expected at least restart.minDelay (200)',
    ],
    [
      { messenger: { maxPayload: 10_000_000 } },
      'messenger.queueLimit: got 8388608 (the default); expected at least messenger.maxPayload (10000000), ' +
        'or a large payload could never be sent',
    ],
    [{ fork: { stdio: ['inherit'] } }, "fork.stdio: got [ 'inherit' ]; expected exactly one 'ipc' in it"],
    [{ fork: { stdio: ['ipc', 'ipc'] } }, "fork.stdio: got [ 'ipc', 'ipc' ]; expected exactly one 'ipc' in it"],
    [
      { fork: { stdio: ['pip', 'ipc'] } },
      "fork.stdio.0: got 'pip'; expected 'pipe', 'overlapped', 'ignore', 'inherit', 'ipc', a file descriptor or null",
    ],
    [
      { reload: { signals: ['SIGTERM'] } },
      "reload.signals.0: got 'SIGTERM'; expected a signal that is free: this one means a graceful shutdown",
    ],
    [
      { reload: { signals: ['SIGHUP', 'SIGINT'] } },
      "reload.signals.1: got 'SIGINT'; expected a signal that is free: this one means a graceful shutdown",
    ],
    [
      { reload: { signals: ['SIGTTIN'] } },
      "reload.signals.0: got 'SIGTTIN'; expected a signal that is free: this one means one worker more",
    ],
    [{ reload: { signals: ['HUP'] } }, "reload.signals.0: got 'HUP'; expected the name of a signal, such as 'SIGHUP'"],
    [
      { reload: { signals: 'SIGHUP' } },
      "reload.signals: got 'SIGHUP'; expected an array of signals, such as ['SIGHUP']",
    ],
  ])('%j', (input, line) => {
    expect(refused(input)).toEqual([line]);
  });

  it('with an engine, the largest payload leaves room for names within 1 MiB', () => {
    const engine = { name: 'mine', create: () => Promise.reject(new Error('not here')) };
    expect(resolveOptions({ messenger: { engine } }).messenger).toMatchObject({ engine, maxPayload: 1_000_000 });
    expect(resolveOptions({ messenger: { engine, maxPayload: 7 } }).messenger.maxPayload).toBe(7);
  });

  it('values that only just agree are taken', () => {
    expect(resolveOptions({ watchdog: { interval: 1, suspectAfter: 2, killAfter: 3 } }).watchdog.killAfter).toBe(3);
    expect(resolveOptions({ restart: { minDelay: 200, maxDelay: 200 } }).restart.maxDelay).toBe(200);
    expect(resolveOptions({ messenger: { maxPayload: 10, queueLimit: 10 } }).messenger.queueLimit).toBe(10);
  });
});
