import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { openAgain, OutputQueue } from '../../../lib/platform/output-queue.js';
import { ManualClock } from '../manual-clock.js';

const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('what is written after finish(), as by listeners of the end of the process, is written whole, too', async () => {
  const pipe = join(folder, 'pipe');
  const read = join(folder, 'read');
  execFileSync('mkfifo', [pipe]);
  const reader = spawn('sh', ['-c', `exec cat '${pipe}' > '${read}'`]);
  const ended = once(reader, 'close');
  const fd = openSync(pipe, 'w');
  const again = openAgain(fd)!;
  const queue = new OutputQueue([again], new ManualClock());
  queue.finish();
  // Far more than a pipe holds, and more than cat takes at once.
  const lines = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(100_000)}\n`);
  for (const line of lines) queue.add(line);
  closeSync(again);
  closeSync(fd);
  await ended;
  expect(readFileSync(read, 'utf8')).toBe(lines.join(''));
});
