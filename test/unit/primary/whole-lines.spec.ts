import { describe, expect, it } from '@jest/globals';
import { LogFormat } from '../../../lib/primary/output/log-format.js';
import { WholeLines } from '../../../lib/primary/output/whole-lines.js';

const text = (bytes: Buffer | undefined) => bytes?.toString();

describe('whole lines of one worker', () => {
  it('a line goes on when its end has come, with all before it', () => {
    const lines = new WholeLines();
    expect(text(lines.push(Buffer.from('one\ntwo\nthr')))).toBe('one\ntwo\n');
    expect(lines.push(Buffer.from('ee'))).toBeUndefined();
    expect(text(lines.push(Buffer.from('\nfour')))).toBe('three\n');
  });

  it('a character of several bytes may come in parts', () => {
    const lines = new WholeLines();
    const bytes = Buffer.from('grün\n');
    expect(lines.push(bytes.subarray(0, 3))).toBeUndefined();
    expect(text(lines.push(bytes.subarray(3)))).toBe('grün\n');
  });

  it('the last line of a worker gets the end it does not have', () => {
    const lines = new WholeLines();
    lines.push(Buffer.from('cut'));
    expect(text(lines.end())).toBe('cut\n');
    expect(lines.end()).toBeUndefined();
  });

  it('a line without an end takes no more memory than it may', () => {
    const lines = new WholeLines(10);
    expect(lines.push(Buffer.from('0123456789'))).toBeUndefined();
    expect(text(lines.push(Buffer.from('a')))).toBe('0123456789a');
    expect(text(lines.push(Buffer.from('b\n')))).toBe('b\n');
  });
});

describe('the format of the log', () => {
  const format = (...lines: string[]) => {
    const seen = new LogFormat();
    for (const line of lines) seen.seen(Buffer.from(line));
    return seen;
  };

  it('is text until a line of JSON is seen', () => {
    expect(format('[Nest] started\n').isJson).toBe(false);
    expect(format('{"level":30}\n').isJson).toBe(true);
    expect(format('text\n{"level":30}\n').isJson).toBe(true);
  });

  it('a line of text among many of JSON changes nothing', () => {
    expect(format('{}\n', '{}\n', '{}\n', '(node:1) Warning\n').isJson).toBe(true);
  });
});
