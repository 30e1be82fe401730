import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { ownSession, sessionIn } from '../../../lib/platform/process-tree.js';

describe('the session of a process', () => {
  it('is the fourth word after the name, whatever the name holds', () => {
    expect(sessionIn('17 (node) S 1 22 333 0 -1 4194304 9')).toBe(333);
    expect(sessionIn('17 (a) S 1 2 (b) c) R 1 22 333 0 -1 4194304 9')).toBe(333);
    expect(sessionIn('17 (two\nlines) R 1 22 333 34816 -1 4194304 9')).toBe(333);
  });

  it('is known of this process where there is a /proc', () => {
    expect((ownSession() ?? 0) > 0).toBe(existsSync('/proc/self/stat'));
  });
});
