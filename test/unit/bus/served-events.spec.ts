import { describe, expect, it } from '@jest/globals';
import { LocalBus } from '../../../lib/local-bus/local-bus.js';
import { quiet, StubLink, TestCluster } from './cluster.js';

const names = (count: number) => Array.from({ length: count }, (_, i) => ({ event: `name ${i}`.padEnd(40, 'x') }));
const eventsOf = ({ tasks }: { readonly tasks: readonly { readonly event: string }[] }) =>
  tasks.map(({ event }) => event);

describe('the events that a worker serves', () => {
  it('are those of its last list, and tasks that run still count', async () => {
    const cluster = new TestCluster();
    const a = await cluster.boot(0);
    a.bus.serve([{ event: 'goes' }, { event: 'stays', concurrency: 1 }]);
    cluster.hub.ready(a.id);
    void a.enqueue('stays');
    await quiet();
    a.bus.serve([{ event: 'stays', concurrency: 1 }, { event: 'comes' }]);
    void a.enqueue('stays');
    void a.enqueue('comes');
    const gone = a.enqueue('goes');
    await quiet();
    expect(eventsOf(a)).toEqual(['stays', 'comes']);
    expect(await gone).toMatchObject({ outcome: 'no-handler' });
    a.settle('ok', '', a.tasks[0]);
    await quiet();
    expect(eventsOf(a)).toEqual(['stays', 'comes', 'stays']);
  });

  it('cost one change for one change, and nothing for none', () => {
    const link = new StubLink();
    const bus = new LocalBus(link, { id: 1, address: 0, generation: 0 }, { maxPayload: 1_000, queueLimit: 1_000_000 });
    const all = names(10_000);
    bus.serve(all);
    const sizeOf = () => link.sent.splice(0).reduce((bytes, { length }) => bytes + length, 0);
    expect(sizeOf()).toBeGreaterThan(400_000);
    bus.serve([...all, { event: 'one more' }]);
    expect(sizeOf()).toBeLessThan(200);
    bus.serve(all);
    expect(sizeOf()).toBeLessThan(200);
    bus.serve([...all]);
    expect(link.sent).toEqual([]);
  });

  it('are said once even where there are none', () => {
    const link = new StubLink();
    const bus = new LocalBus(link, { id: 1, address: 0, generation: 0 }, { maxPayload: 1_000, queueLimit: 1_000_000 });
    bus.serve([]);
    bus.serve([]);
    expect(link.sent).toHaveLength(1);
  });

  it('come back after a task that met none of them', async () => {
    const cluster = new TestCluster();
    const a = await cluster.worker(0, ['job']);
    const refused = a.enqueue('job');
    await quiet();
    // It has stopped listening, and listens again before it said so.
    a.settle('no-handler', '', a.tasks[0]);
    expect(await refused).toMatchObject({ outcome: 'no-handler' });
    a.bus.serve([{ event: 'job' }]);
    void a.enqueue('job');
    await quiet();
    expect(eventsOf(a)).toEqual(['job', 'job']);
  });
});
