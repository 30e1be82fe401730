import { execFileSync } from 'node:child_process';
import fs, { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The reader of an app's output, who reads only while told to. */
export class StuckReader {
  /** What the app gets as its stdout or stderr. */
  readonly fd: number;
  private readonly chunks: Buffer[] = [];
  private readonly end: number;
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-pipe-'));
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    this.end = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    this.fd = fs.openSync(path, 'w');
    rmSync(folder, { recursive: true });
  }

  /** Reads from now on, `bytes` every `interval` ms at most. */
  read(bytes = 65_536, interval = 2): void {
    const buffer = Buffer.alloc(bytes);
    this.timer = setInterval(() => {
      try {
        const length = fs.readSync(this.end, buffer);
        if (length > 0) this.chunks.push(Buffer.from(buffer.subarray(0, length)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
    }, interval);
  }

  /** Everything that was read. */
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  close(): void {
    clearInterval(this.timer);
    fs.closeSync(this.end);
    fs.closeSync(this.fd);
  }
}
