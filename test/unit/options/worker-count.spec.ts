import { describe, expect, it } from '@jest/globals';
import { availableParallelism } from 'node:os';
import { ClusterOptionsError } from '../../../lib/errors/errors.js';
import { workerCount } from '../../../lib/options/worker-count.js';

const cores = () => 6;

describe('workerCount', () => {
  it('the option wins over WEB_CONCURRENCY and the cores, and a bad WEB_CONCURRENCY is then none of its business', () => {
    expect(workerCount(3, { WEB_CONCURRENCY: '5' }, cores)).toBe(3);
    expect(workerCount(3, { WEB_CONCURRENCY: 'many' }, cores)).toBe(3);
  });

  it('0 leaves it to WEB_CONCURRENCY', () => {
    expect(workerCount(0, { WEB_CONCURRENCY: '5' }, cores)).toBe(5);
  });

  it('0 and no WEB_CONCURRENCY: the cores', () => {
    expect(workerCount(0, {}, cores)).toBe(6);
    expect(workerCount(0, { WEB_CONCURRENCY: '' }, cores)).toBe(6);
  });

  it('0 and a WEB_CONCURRENCY that is no number is refused', () => {
    expect(() => workerCount(0, { WEB_CONCURRENCY: 'many' }, cores)).toThrow(ClusterOptionsError);
  });

  it('this very machine has at least one core, and no more than the scheduler allows', () => {
    const count = workerCount(0, {});
    expect(count).toBeGreaterThanOrEqual(1);
    expect(count).toBeLessThanOrEqual(availableParallelism());
  });
});
