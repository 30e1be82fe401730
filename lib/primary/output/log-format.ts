const NEWLINE = 0x0a;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** How many lines of the other kind in a row it takes to change the result. */
const INERTIA = 4;

/** Finds out from the workers' lines whether the app logs JSON, so that the primary does the same. */
export class LogFormat {
  private score = 0;

  get isJson(): boolean {
    return this.score > 0;
  }

  /** Looks at whole lines that a worker wrote; only the last one counts. */
  seen(lines: Buffer): void {
    const end = lines.length - 1;
    const start = end > 0 ? lines.lastIndexOf(NEWLINE, end - 1) + 1 : 0;
    const isJson = lines[start] === OPEN && lines[end - 1] === CLOSE;
    this.score = isJson ? Math.min(INERTIA, this.score + 1) : Math.max(-INERTIA, this.score - 1);
  }

  /** A worker has reported that its logger writes JSON. */
  told(): void {
    this.score = INERTIA;
  }
}
