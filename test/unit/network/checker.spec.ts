import { describe, expect, test } from '@jest/globals';
import { judge } from '../../network/checker.js';
import type { Fault, FaultRecord } from '../../network/faults.js';
import type { Deed, History, HistoryEvent, HostExit, Probe } from '../../network/history.js';

const STOPPED = 300_000;
const ALL = ['a0', 'a1', 'b0'];

/** A history is written down in seconds. */
class Telling {
  private readonly events: HistoryEvent[] = [];
  private readonly faults: FaultRecord[] = [];
  private readonly probes: Probe[] = [];
  private readonly exits: HostExit[] = [];
  private calls = 0;

  /** Two workers of host a, one of b: all live to the end unless they are said to die. */
  constructor(private readonly deaths: Readonly<Record<string, number>> = {}) {
    for (const [index, host] of ['a', 'a', 'b'].entries()) {
      const process = `${index + 1}-0`;
      this.tell(0, process, { kind: 'up', host, slot: index % 2, pid: index + 1 });
      this.tell(0, process, { kind: 'members', members: ALL });
      for (let at = 0; at <= (deaths[process] ?? STOPPED / 1_000 + 10); at += 0.5)
        this.tell(at, process, { kind: 'alive' });
    }
  }

  tell(at: number, process: string, deed: Deed): this {
    this.events.push({ at: at * 1_000, process, ...deed });
    return this;
  }

  task(
    at: number,
    until: number,
    name: string,
    outcome: string,
    details: Partial<Extract<Deed, { kind: 'call' }>> & { value?: string } = {},
  ): this {
    const { value, ...call } = details;
    const number = ++this.calls;
    this.tell(at, '1-0', { kind: 'call', call: number, method: 'task', name, deadline: 25_000, ...call });
    return this.tell(until, '1-0', {
      kind: 'settled',
      call: number,
      outcome,
      ...(value === undefined ? {} : { value }),
    });
  }

  run(process: string, name: string, begin: number, end?: number, kind: 'began' | 'once-began' = 'began'): this {
    const run = `${process}/${name}/${begin}`;
    if (kind === 'began') this.tell(begin, process, { kind, name, run, attempt: 1 });
    else this.tell(begin, process, { kind, name, run, token: begin });
    return end === undefined ? this : this.tell(end, process, { kind: 'ended', run });
  }

  suffer(begin: number, end: number, fault: Fault, pids?: number[]): this {
    this.faults.push({ begin: begin * 1_000, end: end * 1_000, fault, ...(pids ? { pids } : {}) });
    return this;
  }

  probe(at: number, host: string, error?: string): this {
    this.probes.push({ at: at * 1_000, took: 5, host, ...(error === undefined ? {} : { error }) });
    return this;
  }

  end(at: number, host: string): this {
    this.exits.push({ at: at * 1_000, host, code: 1 });
    return this;
  }

  get broken(): string[] {
    const events = this.events.toSorted((one, other) => one.at - other.at);
    const history: History = {
      events,
      probes: this.probes,
      faults: this.faults,
      exits: this.exits,
      started: 0,
      stopped: STOPPED,
      members: 3,
      setup: 'nats',
    };
    return judge(history).violations.map(({ rule }) => rule);
  }
}

const CUT: Fault = { kind: 'cut', host: 'b', brokers: ['n1'], way: 'both' };
const telling = (deaths?: Readonly<Record<string, number>>) => new Telling(deaths);

describe('tasks', () => {
  test('one that ran once and was answered breaks nothing', () => {
    expect(telling().task(1, 2, 't', 'ok', { value: '3-0/t/1.2' }).run('3-0', 't', 1.2, 1.8).broken).toEqual([]);
  });

  test('one that is said to have run and did not is lost', () => {
    expect(telling().task(1, 2, 't', 'ok', { value: '3-0/t/1.2' }).broken).toEqual(['lost task']);
  });

  test('one that was asked for until it is done, and timed out, is lost', () => {
    const lost = telling()
      .suffer(1, 3, CUT)
      .task(1, 120, 't', 'ERR_CLUSTER_TIMEOUT', { isKept: true, deadline: 120_000 });
    expect(lost.broken).toEqual(['lost task']);
  });

  test('one that the only broker forgot is not', () => {
    const forgotten = telling()
      .suffer(2, 3, { kind: 'empty-broker', broker: 'n1' })
      .task(1, 120, 't', 'ERR_CLUSTER_TIMEOUT', { isKept: true, deadline: 120_000 });
    expect(forgotten.broken).toEqual([]);
  });

  test('nobody was lost whom nobody had begun it in', () => {
    const told = telling().suffer(1, 3, CUT).task(1, 12, 't', 'ERR_CLUSTER_MEMBER_LOST', { method: 'at-most-once' });
    expect(told.broken).toEqual(['task never begun']);
  });

  test('two who ask for one id get one result', () => {
    const two = telling()
      .task(1, 2, 's', 'ok', { method: 'shared', value: '3-0/s/1.2' })
      .task(1, 6, 's', 'ok', { method: 'shared', value: '2-0/s/4' })
      .run('3-0', 's', 1.2, 1.8)
      .run('2-0', 's', 4, 5);
    expect(two.broken).toEqual(['two results']);
  });

  test('two runs at a time are an overlap', () => {
    expect(telling().run('3-0', 't', 1, 9).run('2-0', 't', 8, 10).broken).toEqual(['overlap']);
  });

  test('but for the run of a worker that was cut off, or frozen', () => {
    expect(telling().suffer(2, 14, CUT).run('3-0', 't', 1, 16).run('2-0', 't', 12, 13).broken).toEqual([]);
    const frozen = telling().suffer(2, 14, { kind: 'freeze-worker', host: 'b' }, [3]);
    expect(frozen.run('3-0', 't', 1, 16).run('2-0', 't', 12, 13).broken).toEqual([]);
    expect(telling().suffer(2, 14, CUT).run('2-0', 't', 1, 16).run('3-0', 't', 15, 17).broken).toEqual(['overlap']);
  });

  test('a broker that was away for all excuses no overlap', () => {
    const away = telling().suffer(2, 22, { kind: 'kill-broker', broker: 'n1' });
    expect(away.run('3-0', 't', 1, 26).run('2-0', 't', 23, 24).broken).toEqual(['overlap']);
  });

  test('the run of a worker that died ends with it', () => {
    expect(
      telling({ '3-0': 5 })
        .suffer(5, 5, { kind: 'kill-worker', host: 'b' }, [3])
        .run('3-0', 't', 1)
        .run('2-0', 't', 9, 10).broken,
    ).toEqual([]);
  });

  test('one at most once, twice', () => {
    const twice = telling().task(1, 6, 't', 'ok', { method: 'at-most-once', value: '2-0/t/4' });
    expect(twice.run('3-0', 't', 1, 2).run('2-0', 't', 4, 5).broken).toEqual(['at most once']);
  });

  test('a key of runOnce whose run has ended is not run again', () => {
    expect(telling().run('3-0', 'once-1', 1, 2, 'once-began').run('2-0', 'once-1', 4, 5, 'once-began').broken).toEqual([
      'at most once',
    ]);
  });
});

describe('calls', () => {
  test('one that settles long after its deadline hangs, and one that never does', () => {
    const late = telling().suffer(1, 2, CUT).task(1, 30, 't', 'ERR_CLUSTER_TIMEOUT');
    expect(late.broken).toEqual(['overdue']);
    const open = telling().tell(5, '1-0', { kind: 'call', call: 99, method: 'once', name: 'once-1' });
    expect(open.broken).toEqual(['hung']);
  });

  test('one whose process has died does not', () => {
    expect(
      telling({ '1-0': 5 }).tell(4, '1-0', { kind: 'call', call: 99, method: 'once', name: 'once-1' }).broken,
    ).toEqual([]);
  });

  test('nothing fails where nothing was disturbed', () => {
    expect(telling().suffer(1, 2, CUT).task(60, 61, 't', 'ERR_CLUSTER_NOT_CONNECTED').broken).toEqual([
      'failed without a fault',
    ]);
    expect(telling().suffer(1, 62, CUT).task(60, 61, 't', 'ERR_CLUSTER_NOT_CONNECTED').broken).toEqual([]);
  });
});

describe('fencing tokens', () => {
  const wrote = (at: number, process: string, token: number) => [at, process, { kind: 'wrote', token }] as const;

  test('rise', () => {
    expect(
      telling()
        .tell(...wrote(1, '1-0', 5))
        .tell(...wrote(2, '1-0', 5))
        .tell(...wrote(3, '2-0', 6)).broken,
    ).toEqual([]);
  });

  test('never fall, and are never shared', () => {
    expect(
      telling()
        .tell(...wrote(1, '1-0', 5))
        .tell(...wrote(2, '2-0', 4)).broken,
    ).toEqual(['fencing token']);
    expect(
      telling()
        .tell(...wrote(1, '1-0', 5))
        .tell(...wrote(2, '2-0', 5)).broken,
    ).toEqual(['fencing token']);
  });
});

describe('broadcasts', () => {
  const heard = (at: number, process: string, number: number) =>
    [at, process, { kind: 'heard', sender: '1-0', number }] as const;

  test('are heard in order, and once', () => {
    expect(
      telling()
        .tell(...heard(1, '2-0', 1))
        .tell(...heard(2, '2-0', 3)).broken,
    ).toEqual([]);
    expect(
      telling()
        .tell(...heard(1, '2-0', 3))
        .tell(...heard(2, '2-0', 2)).broken,
    ).toEqual(['order']);
    expect(
      telling()
        .tell(...heard(1, '2-0', 3))
        .tell(...heard(2, '2-0', 3)).broken,
    ).toEqual(['order']);
  });

  test('are heard by all who were there, where nothing was disturbed', () => {
    const said = telling().tell(60, '1-0', { kind: 'said', sender: '1-0', number: 1, outcome: 'ok' });
    expect(said.tell(...heard(60, '1-0', 1)).tell(...heard(60, '2-0', 1)).broken).toEqual(['broadcast lost']);
    expect(said.tell(...heard(60, '3-0', 1)).broken).toEqual([]);
  });
});

describe('members', () => {
  const sees = (at: number, members: readonly string[]) => [at, '1-0', { kind: 'members', members }] as const;
  const cut = () =>
    telling()
      .suffer(10, 20, CUT)
      .tell(...sees(12, ['a0', 'a1']));

  test('are right 5 s after a fault', () => {
    expect(cut().tell(...sees(24, ALL)).broken).toEqual([]);
    expect(cut().tell(...sees(26, ALL)).broken).toEqual(['members']);
  });
});

describe('HTTP', () => {
  test('is answered whatever becomes of the broker', () => {
    expect(telling().suffer(10, 20, CUT).probe(15, 'b', 'no answer').broken).toEqual(['http']);
  });

  test('but by a worker that was killed, and by a host that is gone', () => {
    expect(telling().suffer(10, 11, { kind: 'kill-worker', host: 'b' }, [3]).probe(10.1, 'b', 'reset').broken).toEqual(
      [],
    );
    const gone = telling().suffer(10, 20, { kind: 'kill-host', host: 'b' }, [3]).probe(22.5, 'b', 'refused');
    expect(gone.broken).toEqual([]);
    expect(gone.probe(23, 'b').probe(24, 'b', 'refused').broken).toEqual(['http']);
  });
});

describe('hosts', () => {
  test('run until they are asked to stop', () => {
    expect(telling().suffer(10, 20, CUT).end(15, 'b').broken).toEqual(['host ended']);
  });

  test('but for one that is started while its credentials are refused', () => {
    const refused = () => telling().suffer(10, 20, { kind: 'revoke' });
    expect(refused().suffer(11, 13, { kind: 'kill-host', host: 'b' }, [3]).end(15, 'b').broken).toEqual([]);
    expect(refused().end(15, 'b').broken).toEqual(['host ended']);
  });
});
