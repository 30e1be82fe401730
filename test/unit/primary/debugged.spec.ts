import { describe, expect, it } from '@jest/globals';
import { mayBeHeldAtBoot } from '../../../lib/primary/debugged.js';

const none = { execArgv: [], nodeOptions: undefined, isPrimaryInspected: false };

describe('a debugger may hold a worker at boot', () => {
  it.each([
    '--inspect',
    '--inspect=0',
    '--inspect-brk',
    '--inspect-brk=127.0.0.1:9229',
    '--inspect-wait',
    '--inspect-port=0',
  ])('by %s, as an argument or in NODE_OPTIONS', (argument) => {
    expect(mayBeHeldAtBoot({ ...none, execArgv: ['--enable-source-maps', argument] })).toBe(true);
    expect(mayBeHeldAtBoot({ ...none, nodeOptions: `--max-old-space-size=512 ${argument}` })).toBe(true);
  });

  it('where one can attach to the primary', () => {
    expect(mayBeHeldAtBoot({ ...none, isPrimaryInspected: true })).toBe(true);
  });

  it('not otherwise', () => {
    expect(mayBeHeldAtBoot(none)).toBe(false);
    expect(
      mayBeHeldAtBoot({
        ...none,
        execArgv: ['--enable-source-maps', '--inspector-like'],
        nodeOptions: '--no-warnings',
      }),
    ).toBe(false);
  });
});
