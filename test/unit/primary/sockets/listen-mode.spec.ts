import { describe, expect, it } from '@jest/globals';
import { ClusterOptionsError } from '../../../../lib/errors/errors.js';
import { chooseListenMode } from '../../../../lib/primary/sockets/listen-mode.js';

const can = (): boolean => true;
const cannot = (): boolean => false;
const mustNotAsk = (): boolean => {
  throw new Error('asked');
};

describe('chooseListenMode', () => {
  it("'auto' is 'reuse-port' where two sockets can share a port, else 'round-robin', and says why", () => {
    expect(chooseListenMode('auto', undefined, can)).toMatchObject({ mode: 'reuse-port' });
    const fallback = chooseListenMode('auto', undefined, cannot);
    expect(fallback.mode).toBe('round-robin');
    expect(fallback.why).toContain(process.versions.node);
  });

  it("'auto' respects NODE_CLUSTER_SCHED_POLICY", () => {
    expect(chooseListenMode('auto', 'none', mustNotAsk)).toMatchObject({ mode: 'node' });
  });

  it.each(['round-robin', 'shared', 'sticky'] as const)('%s is what it says', (mode) => {
    expect(chooseListenMode(mode, 'none', mustNotAsk)).toMatchObject({ mode });
  });

  it("refuses 'reuse-port' where it cannot be had, and says what to do", () => {
    expect(chooseListenMode('reuse-port', undefined, can)).toMatchObject({ mode: 'reuse-port' });
    expect(() => chooseListenMode('reuse-port', undefined, cannot)).toThrow(ClusterOptionsError);
    expect(() => chooseListenMode('reuse-port', undefined, cannot)).toThrow(/listen is 'reuse-port'.*'round-robin'/s);
  });
});
