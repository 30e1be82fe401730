import { describe, expect, it } from '@jest/globals';
import { World } from './world.js';

describe('slots', () => {
  it('forks one worker for each slot at the start', () => {
    const world = new World({ workers: 3 }).start();
    expect(world.forked.map(({ slot, generation }) => [slot, generation])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
  });

  it('lets a worker join when it says it is ready, not when it is online', () => {
    const world = new World({ workers: 1 }).start();
    world.tell({ type: 'online', id: 1 });
    expect(world.all('joined')).toEqual([]);
    world.tell({ type: 'ready', id: 1 });
    expect(world.all('joined')).toEqual([{ type: 'joined', id: 1 }]);
  });

  it('fills the slot of a worker that crashed after a minute of health at once', () => {
    const world = new World({ workers: 2 }).up();
    world.pass(60_000);
    world.exit(world.current(0), null, 'SIGKILL');
    expect(world.forked).toEqual([{ type: 'fork', id: 3, slot: 0, generation: 1 }]);
  });

  it('waits longer after every further crash, within the jittered bound, and never beyond maxDelay', () => {
    const world = new World({ workers: 1, restart: { maxCrashes: 100, maxDelay: 1_000 } }, () => 0.999).up();
    const delays: number[] = [];
    for (let crash = 0; crash < 6; crash += 1) {
      const at = world.now;
      world.exit(world.current(0));
      world.pass(2_000);
      delays.push(world.supervisor.state.workers.get(world.current(0))!.forkedAt - at);
      world.ready(world.current(0));
    }
    expect(delays.map((delay) => Math.round(delay))).toEqual([100, 200, 400, 799, 999, 999]);
  });

  it('kills a worker that is not ready in time, and counts it as a boot failure', () => {
    const world = new World({ workers: 1, startup: { timeout: 5_000 } }).start();
    world.pass(5_000);
    expect(world.all('kill')).toEqual([{ type: 'kill', id: 1, signal: 'SIGKILL' }]);
    world.exit(1, null, 'SIGKILL');
    expect(world.all('exit')).toMatchObject([{ code: 1 }]);
  });

  it('ends at once when every slot has failed to boot, and forks nobody else', () => {
    const world = new World({ workers: 2 }).start();
    world.exit(1);
    world.pass(5_000);
    world.exit(2);
    expect(world.forked).toHaveLength(2);
    expect(world.all('exit')).toEqual([{ type: 'exit', code: 1, worker: 2 }]);
  });

  it('a worker that failed to boot is replaced as soon as another one is ready', () => {
    const world = new World({ workers: 2 }).start();
    world.exit(1);
    world.pass(5_000);
    expect(world.forked).toHaveLength(2);
    world.ready(2);
    expect(world.forked).toMatchObject([{ slot: 0 }, { slot: 1 }, { slot: 0 }]);
  });

  it('a boot error that every worker has is logged once', () => {
    const world = new World({ workers: 2 }).start();
    for (const id of [1, 2]) {
      const error = { name: 'Error', message: 'no database', text: `Error: no database (pid ${id})` };
      world.tell({ type: 'boot-failed', id, fatal: false, error });
      world.exit(id);
    }
    expect(world.all('log')).toMatchObject([
      { level: 'warn', message: expect.stringMatching(/exited with code 1 before it was ready: Error: no database/) },
      { level: 'warn', message: 'worker 2 in slot 1 exited with code 1 before it was ready, with the error above' },
    ]);
  });

  it('logs the error of a worker that is told to leave while it fails', () => {
    const world = new World({ workers: 2 }).start();
    const error = { name: 'Error', message: 'two roots', text: 'Error: two roots' };
    for (const id of [1, 2]) {
      world.tell({ type: 'boot-failed', id, fatal: true, error: { name: 'Error', message: 'two roots' } });
      world.tell({ type: 'boot-failed', id, fatal: false, error });
    }
    for (const id of [1, 2]) world.exit(id, 78);
    expect(world.all('log').map(({ message }) => message)).toEqual([
      'worker 1 in slot 0 did not boot: Error: two roots',
    ]);
    const ready = new World({ workers: 1 }).up();
    ready.tell({ type: 'stop', code: 0 });
    ready.tell({ type: 'failing', id: 1, error: { ...error, text: 'Error: late' } });
    expect(ready.all('log')).toMatchObject([{ level: 'warn', message: expect.stringContaining('Error: late') }]);
  });

  it('says once that every slot has a ready worker, and when one is filled again', () => {
    const world = new World({ workers: 2 }).start();
    for (const id of [1, 2]) world.tell({ type: 'forked', id, pid: 100 + id });
    world.ready(1);
    expect(world.all('log')).toEqual([]);
    world.ready(2);
    const message = '2 workers are ready: slot 0 (pid 101), slot 1 (pid 102)';
    expect(world.all('log')).toEqual([{ type: 'log', level: 'log', message }]);
    world.exit(1, null, 'SIGKILL');
    world.pass(1_000);
    world.tell({ type: 'forked', id: 3, pid: 103 });
    world.ready(3);
    expect(world.all('log').slice(1)).toMatchObject([
      { level: 'warn', message: 'worker 1 in slot 0 (pid 101) was ended by SIGKILL 0 ms after it became ready' },
      { level: 'log', message: 'slot 0 is filled again: worker 3 in slot 0 (pid 103) is ready' },
    ]);
  });

  it('a worker that leaves because it was asked to is no warning', () => {
    const world = new World({ workers: 2 }).up();
    world.tell({ type: 'scale', workers: 1 });
    world.exit(2, 0);
    expect(world.all('log').filter(({ level }) => level !== 'log')).toEqual([]);
  });

  it('ends at once with 78 when the first worker says that its configuration cannot work', () => {
    const world = new World({ workers: 2 }).start();
    world.tell({ type: 'boot-failed', id: 1, fatal: true, error: { name: 'Error', message: 'no such option' } });
    world.exit(1, 78);
    world.exit(2, 0);
    expect(world.forked).toHaveLength(2);
    expect(world.all('exit')).toEqual([{ type: 'exit', code: 78, worker: 1 }]);
  });

  it('replaces a worker that is failing while that one finishes what is in flight', () => {
    const world = new World({ workers: 1 }).up();
    world.pass(60_000);
    world.tell({ type: 'failing', id: 1, error: { name: 'Error', message: 'boom' } });
    expect(world.all('drain')).toEqual([{ type: 'drain', id: 1, timeout: 5_000, reason: 'failing' }]);
    expect(world.forked).toHaveLength(1);
    world.exit(1);
    expect(world.forked).toHaveLength(1);
  });

  it('replaces a worker whose control channel closed though it lives on', () => {
    const world = new World({ workers: 1 }).up();
    world.tell({ type: 'disconnected', id: 1 });
    expect(world.forked).toEqual([]);
    world.pass(3_000);
    expect(world.forked).toHaveLength(1);
    expect(world.all('drain')).toHaveLength(1);
  });

  it('ends with 0 when every worker exited with 0 before any was ready: a script that ran to its end', () => {
    const world = new World({ workers: 2 }).start();
    world.exit(1, 0);
    world.pass(1_000);
    expect(world.all('exit')).toEqual([]);
    world.exit(2, 0);
    expect(world.forked).toHaveLength(2);
    expect(world.all('exit')).toEqual([{ type: 'exit', code: 0, worker: undefined }]);
  });

  it('fills the slots of those that exited with 0 at boot once another worker is ready', () => {
    const world = new World({ workers: 2 }).start();
    world.exit(1, 0);
    world.ready(2);
    expect(world.forked).toHaveLength(3);
  });

  it('ends with the code of the worker that failed last', () => {
    const world = new World({ workers: 1 }).start();
    for (const id of [1, 2, 3]) {
      world.exit(id, 3);
      world.pass(30_000);
    }
    expect(world.all('exit')).toEqual([{ type: 'exit', code: 3, worker: 1 }]);
  });

  it('fills the slot of a worker that exits with 0 by its own choice, again and again, and sees no crash in it', () => {
    const world = new World({ workers: 1, restart: { maxCrashes: 1 } }, () => 1).up();
    for (let times = 0; times < 5; times += 1) {
      world.pass(2_000);
      const id = world.current(0);
      world.exit(id, 0);
      expect(world.current(0)).toBe(id + 1);
      world.ready(id + 1);
    }
    expect(world.all('log').filter(({ level }) => level !== 'log')).toEqual([]);
  });

  it('waits before it forks again where a worker exits with 0 as soon as it is ready', () => {
    const world = new World({ workers: 1, restart: { minDelay: 100 } }, () => 0.5).up();
    world.exit(1, 0);
    expect(world.forked).toEqual([]);
    world.pass(100);
    expect(world.forked).toHaveLength(1);
  });

  it('ignores events about workers it does not know', () => {
    const world = new World({ workers: 1 }).up();
    expect(world.exit(99)).toEqual([]);
    expect(world.ready(99)).toEqual([]);
  });
});

describe('crash-loop breaker', () => {
  function looping(): World {
    const world = new World({ workers: 2, restart: { maxCrashes: 3 } }, () => 0).up();
    for (let crash = 0; crash < 4; crash += 1) {
      world.exit(world.current(0));
      world.pass(1);
      if (world.current(0)) world.ready(world.current(0));
    }
    return world;
  }

  it('opens after more than maxCrashes, keeps what works and forks nobody', () => {
    const world = looping();
    expect(world.all('log').some(({ message }) => message.startsWith('crash loop'))).toBe(true);
    world.actions.length = 0;
    world.pass(20_000);
    expect(world.forked).toEqual([]);
    expect(world.serving.map(({ slot }) => slot)).toEqual([1]);
  });

  it('lets one slot try every 30 s, and closes when the one that tried lives until the next', () => {
    const world = looping();
    world.actions.length = 0;
    world.pass(30_000);
    expect(world.forked).toHaveLength(1);
    world.exit(world.latest);
    world.pass(30_000);
    expect(world.forked).toHaveLength(2);
    world.ready(world.latest);
    world.pass(30_000);
    expect(world.all('log').map(({ message }) => message)).toContain('the crash loop is over');
    world.exit(world.current(1));
    world.pass(100);
    expect(world.forked).toHaveLength(3);
  });
});

describe('rolling reload', () => {
  it('brings up one canary and touches nobody until it was healthy for canaryTime', () => {
    const world = new World({ workers: 3 }).up();
    world.tell({ type: 'reload' });
    expect(world.forked).toEqual([{ type: 'fork', id: 4, slot: 0, generation: 2 }]);
    world.ready(4);
    world.pass(1_999);
    expect(world.forked).toHaveLength(1);
    expect(world.all('drain')).toEqual([]);
    world.pass(1);
    expect(world.all('drain').map(({ id, reason }) => [id, reason])).toEqual([[1, 'reload']]);
  });

  it('replaces one slot at a time, new before old, with never fewer than N serving', () => {
    const world = new World({ workers: 3, reload: { canaryTime: 100 } }).up();
    world.tell({ type: 'reload' });
    for (let turn = 0; turn < 3; turn += 1) {
      expect(world.workers.filter(({ phase }) => phase === 'spawning')).toHaveLength(1);
      world.ready(world.latest);
      world.pass(100);
      expect(world.serving).toHaveLength(3);
      expect(world.workers.length).toBeLessThanOrEqual(4);
      world.exit(turn + 1, 0);
    }
    expect(world.all('reload-done')).toMatchObject([
      {
        generation: 2,
        replaced: [
          { slot: 0, oldId: 1, newId: 4 },
          { slot: 1, oldId: 2, newId: 5 },
          { slot: 2, oldId: 3, newId: 6 },
        ],
      },
    ]);
    expect(world.all('reload-progress').map(({ progress }) => `${progress.phase} ${progress.replaced}`)).toEqual([
      'canary 0',
      'rolling 1',
      'rolling 2',
      'rolling 3',
      'done 3',
    ]);
  });

  it('replaces the requester last, after its answer is on its way', () => {
    const world = new World({ workers: 2, reload: { canaryTime: 100 } }).up();
    world.tell({ type: 'reload', requester: 1 });
    expect(world.forked[0]!.slot).toBe(1);
    world.ready(3);
    world.pass(100);
    world.exit(2, 0);
    world.ready(4);
    const order = world.actions.map(({ type }) => type).filter((type) => type === 'drain' || type === 'reload-done');
    expect(order).toEqual(['drain', 'reload-done', 'drain']);
  });

  it('lets all who await its end stay until then, when everybody asked', () => {
    const world = new World({ workers: 2, reload: { canaryTime: 100 } }).up();
    world.tell({ type: 'reload', requester: 1 });
    world.tell({ type: 'reload', requester: 2 });
    world.ready(3);
    world.pass(100);
    expect(world.all('drain')).toEqual([]);
    world.ready(4);
    const order = world.actions.map(({ type }) => type).filter((type) => type === 'drain' || type === 'reload-done');
    expect(order).toEqual(['reload-done', 'drain', 'drain']);
  });

  it.each([
    ['exits at boot', (world: World) => void world.exit(3, 1)],
    ['never becomes ready', (world: World) => world.pass(60_000)],
    [
      'dies right after it was ready',
      (world: World) => {
        world.ready(3);
        world.pass(500);
        world.exit(3, null, 'SIGSEGV');
      },
    ],
    [
      'hits an uncaught error right after it was ready',
      (world: World) => {
        world.ready(3);
        world.tell({ type: 'failing', id: 3, error: { name: 'Error', message: 'boom' } });
      },
    ],
  ])('leaves every old worker serving when the canary %s', (_how, fail) => {
    const world = new World({ workers: 2 }).up();
    world.tell({ type: 'reload' });
    fail(world);
    expect(world.serving.map(({ id }) => id)).toEqual([1, 2]);
    expect(world.all('reload-failed')).toMatchObject([{ worker: 3 }]);
    expect(world.forked).toHaveLength(1);
    expect(world.supervisor.state.generation).toBe(1);
    world.pass(120_000);
    expect(world.forked).toHaveLength(1);
  });

  it("keeps those replaced when a later worker fails, with onFailure 'keep'", () => {
    const world = new World({ workers: 3, reload: { canaryTime: 100 } }).up();
    world.tell({ type: 'reload' });
    world.ready(4);
    world.pass(100);
    world.exit(1, 0);
    world.exit(5, 1);
    expect(world.all('reload-failed')).toHaveLength(1);
    expect(world.serving.map(({ id }) => id).sort((a, b) => a - b)).toEqual([2, 3, 4]);
  });

  it("goes back to the old workers when a later one fails, with onFailure 'rollback'", () => {
    const world = new World({ workers: 3, reload: { canaryTime: 100, onFailure: 'rollback' } }).up();
    world.tell({ type: 'reload' });
    world.ready(4);
    world.pass(100);
    world.exit(world.latest, 1);
    expect(world.all('reload-failed')).toHaveLength(1);
    expect(world.serving.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(world.all('drain').map(({ id }) => id)).toEqual([4]);
  });

  it('heals a slot that crashes during the roll in the new generation', () => {
    const world = new World({ workers: 2, reload: { canaryTime: 100 } }).up();
    world.pass(60_000);
    world.tell({ type: 'reload' });
    world.ready(3);
    world.pass(100);
    world.exit(3, null, 'SIGKILL');
    world.pass(200);
    const healed = world.forked.at(-1)!;
    expect([healed.slot, healed.generation]).toEqual([0, 2]);
  });

  it('lets concurrent calls share one reload', () => {
    const world = new World({ workers: 2 }).up();
    world.tell({ type: 'reload' });
    expect(world.tell({ type: 'reload' }).filter(({ type }) => type === 'fork')).toEqual([]);
    expect(world.all('reload-refused')).toEqual([]);
  });

  it('is refused while the cluster stops, and given up when it begins to', () => {
    const world = new World({ workers: 2 }).up();
    world.tell({ type: 'reload' });
    world.tell({ type: 'stop', code: 0 });
    expect(world.all('reload-failed')).toMatchObject([{ reason: 'the cluster is stopping' }]);
    world.tell({ type: 'reload' });
    expect(world.all('reload-refused')).toHaveLength(1);
  });
});

describe('shutdown', () => {
  it('before the start forks nobody, and ends with its code', () => {
    const world = new World({ workers: 2 });
    world.tell({ type: 'stop', code: 1 });
    world.start();
    expect(world.all('fork')).toEqual([]);
    expect(world.all('exit')).toEqual([{ type: 'exit', code: 1, worker: undefined }]);
  });

  it('drains everybody, escalates at the deadlines and exits with 0 when the last is gone', () => {
    const world = new World({ workers: 2, shutdown: { timeout: 1_000, killAfter: 500 } }).up();
    world.tell({ type: 'stop', code: 0 });
    expect(world.all('drain').map(({ id }) => id)).toEqual([1, 2]);
    world.exit(1, 0);
    world.pass(1_000);
    expect(world.all('kill')).toEqual([{ type: 'kill', id: 2, signal: 'SIGTERM' }]);
    world.pass(500);
    expect(world.all('kill').at(-1)).toEqual({ type: 'kill', id: 2, signal: 'SIGKILL' });
    world.exit(2, null, 'SIGKILL');
    expect(world.all('exit')).toEqual([{ type: 'exit', code: 0, worker: undefined }]);
    expect(world.forked).toEqual([]);
  });

  it('keeps serving for the delay, and respawns who crashes meanwhile', () => {
    const world = new World({ workers: 1, shutdown: { delay: 5_000 } }).up();
    world.pass(60_000);
    world.tell({ type: 'stop', code: 0 });
    expect(world.all('drain')).toEqual([]);
    world.exit(1);
    expect(world.forked).toHaveLength(1);
    world.pass(5_000);
    expect(world.all('drain')).toHaveLength(1);
  });

  it('ends at the second signal, though a worker is recorded of whose end nobody tells', () => {
    const world = new World({ workers: 2 }).up();
    world.tell({ type: 'signal', signal: 'SIGTERM' });
    world.pass(1_000);
    world.tell({ type: 'signal', signal: 'SIGTERM' });
    world.exit(2, null, 'SIGKILL');
    expect(world.all('exit')).toEqual([]);
    world.pass(2_000);
    expect(world.all('exit')).toMatchObject([{ code: 143 }]);
  });

  it('kills everybody at the second signal', () => {
    const world = new World({ workers: 2 }).up();
    world.tell({ type: 'signal', signal: 'SIGTERM' });
    world.pass(1_000);
    world.tell({ type: 'signal', signal: 'SIGTERM' });
    expect(world.all('kill').map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL']);
    world.exit(1, null, 'SIGKILL');
    world.exit(2, null, 'SIGKILL');
    expect(world.all('exit')).toMatchObject([{ code: 143 }]);
  });

  it.each([
    ['SIGINT', 'SIGINT', 'SIGINT'],
    ['SIGINT', 'SIGTERM', 'SIGTERM'],
    ['SIGHUP', 'SIGTERM', 'SIGHUP'],
  ] as const)('takes %s, %s and %s within a second for one event', (...signals) => {
    const world = new World({ workers: 1 }).up();
    for (const signal of signals) {
      world.tell({ type: 'signal', signal });
      world.pass(400);
    }
    expect(world.all('drain')).toHaveLength(1);
    expect(world.all('kill')).toEqual([]);
    world.exit(1, 0);
    expect(world.all('exit')).toMatchObject([{ code: 0 }]);
  });

  it('counts from the first signal, not from the last', () => {
    const world = new World({ workers: 1 }).up();
    for (const wait of [600, 600, 0]) {
      world.tell({ type: 'signal', signal: 'SIGINT' });
      world.pass(wait);
    }
    expect(world.all('kill')).toHaveLength(1);
  });

  it('never ends at once for SIGHUP: shells pass on what the terminal has sent already', () => {
    const world = new World({ workers: 1 }).up();
    world.tell({ type: 'signal', signal: 'SIGHUP' });
    world.pass(2_000);
    world.tell({ type: 'signal', signal: 'SIGHUP' });
    expect(world.all('kill')).toEqual([]);
  });

  it('the first signal while it stops for another reason lets it stop gracefully', () => {
    const world = new World({ workers: 1 }).up();
    world.tell({ type: 'stop', code: 1 });
    world.pass(2_000);
    world.tell({ type: 'signal', signal: 'SIGTERM' });
    expect(world.all('kill')).toEqual([]);
    world.exit(1, 0);
    expect(world.all('exit')).toMatchObject([{ code: 1 }]);
  });

  it('says at the beginning of the delay, once, that the cluster stops', () => {
    const world = new World({ workers: 1, shutdown: { delay: 5_000 } }).up();
    world.tell({ type: 'signal', signal: 'SIGTERM' });
    expect(world.all('stopping')).toHaveLength(1);
    expect(world.all('drain')).toEqual([]);
    world.pass(5_000);
    expect(world.all('stopping')).toHaveLength(1);
    expect(world.all('drain')).toHaveLength(1);
  });

  it.each([
    ['SIGTERM', 3_000],
    // Nobody has to take a Ctrl-C's process out of rotation.
    ['SIGINT', 1_000],
  ] as const)('%s delays the drain as long as the application that wants it longest', (signal, delay) => {
    const world = new World({ workers: 2, shutdown: { delay: 1_000 } }).start();
    world.tell({ type: 'ready', id: 1, unreadyTime: 3_000 });
    world.tell({ type: 'ready', id: 2, unreadyTime: 0 });
    world.tell({ type: 'signal', signal });
    world.pass(delay - 1);
    expect(world.all('drain')).toEqual([]);
    world.pass(1);
    expect(world.all('drain')).toHaveLength(2);
  });

  it('tells the workers by which signal they end', () => {
    const world = new World({ workers: 2 }).up();
    world.tell({ type: 'scale', workers: 1 });
    world.tell({ type: 'signal', signal: 'SIGINT' });
    expect(world.all('drain')).toMatchObject([
      { reason: 'scale', signal: 'SIGTERM' },
      { reason: 'stop', signal: 'SIGINT' },
    ]);
  });

  it('tells one that an error ends of no signal', () => {
    const world = new World({ workers: 1 }).up();
    world.tell({ type: 'failing', id: 1, error: { name: 'Error', message: 'x' } });
    expect(world.all('drain')).toMatchObject([{ reason: 'failing', signal: undefined }]);
  });
});

describe('watchdog', () => {
  it('suspects a silent worker, forgives it when it is heard, kills and replaces it otherwise', () => {
    const world = new World({ workers: 2 }).up();
    world.pass(3_000, [1]);
    expect(world.all('suspected')).toEqual([{ type: 'suspected', id: 1, suspect: true }]);
    world.beat(1);
    expect(world.all('suspected').at(-1)).toEqual({ type: 'suspected', id: 1, suspect: false });
    world.pass(30_000, [1]);
    expect(world.all('kill')).toEqual([{ type: 'kill', id: 1, signal: 'SIGKILL' }]);
    world.pass(1_000);
    expect(world.forked.map(({ slot }) => slot)).toEqual([0]);
  });

  it('blames nobody for silence after the machine was suspended', () => {
    const world = new World({ workers: 2 }).up();
    world.pass(1_000);
    world.now += 3_600_000;
    world.tell({ type: 'tick' });
    expect(world.all('suspected')).toEqual([]);
    expect(world.all('kill')).toEqual([]);
  });
});

describe('a worker that cannot be forked', () => {
  it('is a crash of its slot, which is tried again later and later', () => {
    const world = new World({ workers: 2, restart: { maxCrashes: 100 } }, () => 0.999).up();
    world.exit(1, null, 'SIGKILL');
    const delays: number[] = [];
    for (let tries = 0; tries < 4; tries++) {
      const since = world.now;
      while (world.supervisor.state.slots[0]!.current === undefined) world.pass(1);
      delays.push(world.now - since);
      const error = 'spawn EMFILE';
      world.tell({ type: 'exited', id: world.current(0), code: null, signal: null, error });
    }
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
    expect(delays.at(-1)).toBeGreaterThan(delays[0]!);
    expect(world.all('log').at(-1)!.message).toBe('worker 6 in slot 0 could not be started: spawn EMFILE');
    expect(world.current(1)).toBe(2);
    expect(world.workers).toHaveLength(1);
  });
});

describe('a worker that is cut off from the bus', () => {
  it('leads no more, and is replaced where it does not end', () => {
    const world = new World({ workers: 2 }).up();
    world.beat(1);
    expect(world.supervisor.leader).toBe(1);
    world.tell({ type: 'cut-off', id: 1, reason: 'it sent nonsense' });
    world.beat(1);
    expect(world.all('lease').at(-1)).toMatchObject({ id: 1, term: undefined });
    world.pass(2_000);
    const log = world.all('log').map(({ message }) => message);
    expect(log).toContain('worker 1 in slot 0 lost its link to the bus (it sent nonsense) and is replaced');
    expect(world.all('drain')).toMatchObject([{ id: 1, reason: 'failing', signal: undefined }]);
    world.pass(2_000);
    expect(world.forked).toMatchObject([{ slot: 0 }]);
    world.pass(5_000);
    expect(world.supervisor.leader).toBe(2);
  });

  it('is killed where it was not ready', () => {
    const world = new World({ workers: 2 }).start();
    world.ready(2);
    world.tell({ type: 'cut-off', id: 1, reason: 'it sent nonsense' });
    world.pass(2_000);
    expect(world.all('kill')).toEqual([{ type: 'kill', id: 1, signal: 'SIGKILL' }]);
  });

  it('is a crash like any other where it ends', () => {
    const world = new World({ workers: 2 }).up();
    world.tell({ type: 'cut-off', id: 1, reason: 'the connection was closed' });
    world.exit(1, null, 'SIGKILL');
    world.pass(2_000);
    expect(world.all('log').map(({ message }) => message)).toContainEqual(expect.stringContaining('ended by SIGKILL'));
    expect(world.all('log').map(({ message }) => message)).not.toContainEqual(expect.stringContaining('bus'));
  });

  it('finishes what it was told to where it leaves already', () => {
    const world = new World({ workers: 2 }).up();
    world.tell({ type: 'stop', code: 0 });
    const told = world.all('drain').length;
    world.tell({ type: 'cut-off', id: 1, reason: 'the connection was closed' });
    world.pass(2_000);
    expect(world.all('drain')).toHaveLength(told);
    expect(world.all('kill')).toEqual([]);
  });
});

describe('recycling', () => {
  it('replaces a worker that is over the memory limit, replacement first', () => {
    const world = new World({ workers: 2, recycle: { memory: 1_000, jitter: 0, minLifetime: 0 } }).up();
    const vitals = {
      loopDelay: 0,
      utilisation: 0,
      rss: 2_000,
      requests: 0,
      inFlight: 0,
      connections: 0,
      inspected: false,
    };
    world.tell({ type: 'heartbeat', id: 1, seq: 1, vitals });
    expect(world.forked).toMatchObject([{ slot: 0 }]);
    expect(world.all('drain')).toEqual([]);
    world.ready(3);
    expect(world.all('drain')).toMatchObject([{ id: 1, reason: 'recycle' }]);
  });

  it('replaces a worker by age without being told anything', () => {
    const world = new World({ workers: 1, recycle: { age: 100_000, jitter: 0 } }).up();
    world.pass(99_999);
    expect(world.forked).toEqual([]);
    world.pass(1);
    expect(world.forked).toHaveLength(1);
  });
});

describe('scaling', () => {
  it('adds slots, and says so when all of them serve', () => {
    const world = new World({ workers: 1 }).up();
    world.tell({ type: 'scale', workers: 3 });
    expect(world.forked.map(({ slot }) => slot)).toEqual([1, 2]);
    world.ready(2);
    expect(world.all('scaled')).toEqual([]);
    world.ready(3);
    expect(world.all('scaled')).toHaveLength(1);
  });

  it('drains the highest slots', () => {
    const world = new World({ workers: 3 }).up();
    world.tell({ type: 'scale', workers: 1 });
    expect(world.all('drain').map(({ id, reason }) => [id, reason])).toEqual([
      [2, 'scale'],
      [3, 'scale'],
    ]);
    expect(world.all('scaled')).toHaveLength(1);
  });
});

describe('a worker that boots', () => {
  it('is told to leave with its first word: before, nobody there would hear it', () => {
    const world = new World({ workers: 1, shutdown: { timeout: 10_000 } }).up();
    world.beating = false;
    world.tell({ type: 'scale', workers: 2 });
    const { latest } = world;
    world.tell({ type: 'online', id: latest });
    world.tell({ type: 'scale', workers: 1 });
    expect(world.all('drain')).toEqual([]);
    world.now += 1_500;
    world.beat(latest);
    expect(world.all('drain')).toEqual([
      { type: 'drain', id: latest, timeout: 8_500, reason: 'scale', signal: 'SIGTERM' },
    ]);
    world.beat(latest);
    expect(world.all('drain')).toHaveLength(1);
  });

  it('is ended at the deadline if it never says a word', () => {
    const world = new World({ workers: 1, shutdown: { timeout: 1_000, killAfter: 500 } }).start();
    world.beating = false;
    world.tell({ type: 'stop', code: 0 });
    world.pass(1_500);
    expect(world.all('kill').map(({ signal }) => signal)).toEqual(['SIGTERM', 'SIGKILL']);
  });
});

describe('a cluster that a watcher restarts', () => {
  it('boots the first worker alone, and the others when it is ready', () => {
    const world = new World({ workers: 3, isWatched: true }).start();
    world.pass(1_000);
    expect(world.forked.map(({ slot }) => slot)).toEqual([0]);
    world.ready(world.current(0));
    expect(world.forked.map(({ slot }) => slot)).toEqual([0, 1, 2]);
  });

  it('ends where the first worker fails: the others have nothing to add', () => {
    const world = new World({ workers: 3, isWatched: true }).start();
    world.exit(world.current(0), 3);
    expect(world.all('exit')).toMatchObject([{ code: 3 }]);
  });

  it('does not wait at a stop for a worker that boots', () => {
    const world = new World({ workers: 2, isWatched: true }).start();
    world.ready(world.current(0));
    world.tell({ type: 'signal', signal: 'SIGTERM' });
    world.pass(0);
    expect(world.all('kill').map(({ id }) => id)).toEqual([world.current(1)]);
  });
});

describe('a main script that runs to its end', () => {
  it('ends the cluster with 0 once it has in every worker, and names the remedy', () => {
    const world = new World({ workers: 2 }).start();
    world.exit(world.current(0), 0);
    expect(world.all('exit')).toEqual([]);
    world.exit(world.current(1), 0);
    expect(world.all('exit')).toMatchObject([{ code: 0 }]);
    expect(world.all('log').at(-1)?.message).toMatch(/NESTJS_CLUSTER=off/);
  });

  it('fails where another worker failed', () => {
    const world = new World({ workers: 2 }).start();
    world.exit(world.current(0), 3);
    world.exit(world.current(1), 0);
    expect(world.all('exit')).toMatchObject([{ code: 1 }]);
  });
});

describe('leader', () => {
  it('is one ready worker, told with its heartbeat', () => {
    const world = new World({ workers: 2 }).up();
    world.beat(1);
    world.beat(2);
    expect(world.all('lease').map(({ id, term }) => [id, term])).toEqual([
      [1, 1],
      [2, undefined],
    ]);
  });

  it('is followed at once when it died, in a new term', () => {
    const world = new World({ workers: 2 }).up();
    world.beat(1);
    world.exit(1, null, 'SIGKILL');
    world.beat(2);
    expect(world.all('lease').at(-1)).toMatchObject({ id: 2, term: 2 });
  });

  it('is followed only after its lease ran out when it is merely silent', () => {
    const world = new World({ workers: 2 }).up();
    world.beat(1);
    const beatAt = world.now;
    world.pass(3_000, [1]);
    expect(world.supervisor.leader).toBe(2);
    expect(world.now - beatAt).toBeGreaterThanOrEqual(3_000);
  });
});
