import { describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Logger } from '@nestjs/common';
import { InvalidArgumentError, NoHandlerError, RemoteError } from '../../../lib/errors/errors.js';
import { ClusterLogger } from '../../../lib/platform/cluster-logger.js';
import { oneLine, printable, quotedLines } from '../../../lib/errors/printable.js';
import { fc } from '../../support/fast-check.js';

const CONTROL = /[^\P{Cc}\t\n]|[\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;
const FORGED = 'x\n[Nest] 1  - LOG [Cluster] all is well\r\n\u001B[2J\u001B]0;title\u0007\u009B31m\u202Etxt';

describe('text of others', () => {
  it('on one line has no control characters, and says which it had', () => {
    expect(oneLine('a\u001B[31mb\nc\r\u0000\u202E')).toBe('a\\x1b[31mb\\nc\\r\\x00\\u202e');
    expect(oneLine('größe\t✓')).toBe('größe\t✓');
  });

  it('in a message keeps the lines that are indented, and begins none of its own', () => {
    const stack = 'Error: a\nb\n    at f (x.js:1:1)\n    at g {\n  code: 1\n}';
    expect(printable(stack)).toBe('Error: a\\nb\n    at f (x.js:1:1)\n    at g {\n  code: 1\n}');
  });

  it('whatever it is, steers no terminal and begins no line', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\r', '\u001B', '\u0085', '\u2028', '}', '\t') });
    fc.assert(
      fc.property(text, (given) => {
        const lines = printable(given).split('\n');
        return lines.every((line, n) => !CONTROL.test(line) && (n === 0 || /^( {2}|\t|[}\])])/.test(line)));
      }),
    );
    expect(quotedLines('a\n\u001B[1mb')).toBe('  a\n  \\x1b[1mb');
  });

  it('in an error of this package is written out; the error of a handler has its own words', () => {
    for (const error of [new NoHandlerError(FORGED, 'x'), new InvalidArgumentError(`on('${FORGED}')`)]) {
      expect(error.message).not.toMatch(CONTROL);
      expect(error.message).not.toContain('\n');
      expect(error.stack).not.toMatch(/^\[Nest\]/m);
    }
    expect(new RemoteError({ name: 'Error', message: FORGED }, 1).message).toBe(FORGED);
  });
});

describe("the package's logger", () => {
  it.each(['log', 'warn', 'error'] as const)('%s: no part of what it quotes is a line of the log', (level) => {
    const written: string[] = [];
    const take = (chunk: unknown) => Boolean(written.push(String(chunk)));
    const spies = [jest.spyOn(process.stdout, 'write'), jest.spyOn(process.stderr, 'write')];
    Logger.overrideLogger(new ConsoleLogger({ colors: false }));
    for (const spy of spies) spy.mockImplementation(take);
    new ClusterLogger()[level](`it failed: ${FORGED}`, `Error: ${FORGED}\n    at f (x.js:1:1)`);
    for (const spy of spies) spy.mockRestore();
    Logger.overrideLogger(['error']);
    const lines = written.join('').split('\n').filter(Boolean);
    expect(lines.filter((line) => line.startsWith('[Nest] 1 '))).toEqual([]);
    expect(written.join('')).not.toMatch(CONTROL);
    expect(written.join('')).toContain('all is well');
  });
});
