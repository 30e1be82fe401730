import { ManualClock } from '../../manual-clock.js';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { PassedOnConnections } from '../../../../lib/primary/sockets/passed-on-connections.js';
import type { WorkerRecord } from '../../../../lib/primary/supervisor/supervisor.types.js';

const KEY = '::3000';

let workers: WorkerRecord[];
let handed: { worker: number; key: string; seq: number }[];
let closed: string[];
let passedOn: PassedOnConnections;

function worker(id: number, generation: number, change: Partial<WorkerRecord> = {}): WorkerRecord {
  return { id, slot: id, generation, phase: 'ready', ...change } as WorkerRecord;
}

function connection(name: string) {
  return { close: () => void closed.push(name) };
}

beforeEach(() => {
  workers = [worker(1, 1, { leaving: 'reload' }), worker(2, 1), worker(3, 2), worker(4, 2)];
  handed = [];
  closed = [];
  passedOn = new PassedOnConnections(
    (to, { key, seq }) => {
      handed.push({ worker: to, key, seq });
      return 0;
    },
    () => workers,
    new ManualClock(),
  );
});

describe('PassedOnConnections', () => {
  it('go to the workers of the newest generation in turn, and are let go once they are taken', () => {
    for (const name of ['a', 'b', 'c']) passedOn.offer(1, KEY, connection(name));
    expect(handed.map(({ worker: to }) => to)).toEqual([4, 3, 4]);
    expect(closed).toEqual([]);
    passedOn.ack(2, true);
    expect(closed).toEqual(['b']);
  });

  it('go to another worker where one has no such server, or dies with them, and to none twice', () => {
    passedOn.offer(1, KEY, connection('a'));
    passedOn.ack(1, false);
    expect(handed.map(({ worker: to }) => to)).toEqual([4, 3]);
    passedOn.gone(3);
    expect(handed.map(({ worker: to }) => to)).toEqual([4, 3, 2]);
    expect(closed).toEqual([]);
    passedOn.ack(3, false);
    expect(closed).toEqual(['a']);
  });

  it('are closed where no other worker serves', () => {
    workers = [worker(1, 1)];
    passedOn.offer(1, KEY, connection('a'));
    expect(handed).toEqual([]);
    expect(closed).toEqual(['a']);
  });
});
