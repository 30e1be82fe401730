import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { PATIENCE } from './patience.js';

/** A line `@kind {…}` that a fixture wrote to say what happened in it. */
export interface Report {
  readonly kind: string;
  readonly [key: string]: any;
}

interface Waiter {
  look(line: string): boolean;
  fail(reason: string): void;
}

/** The lines a process and its children have written, and a way to wait for more. */
export class Output {
  readonly lines: string[] = [];
  private readonly waiters = new Set<Waiter>();
  private ended: string | undefined;

  add(stream: Readable): void {
    createInterface(stream).on('line', (line) => {
      this.lines.push(line);
      for (const waiter of this.waiters) if (waiter.look(line)) this.waiters.delete(waiter);
    });
  }

  /** No more lines will come: whoever waits is told why. */
  end(reason: string): void {
    this.ended = reason;
    for (const waiter of this.waiters) waiter.fail(reason);
    this.waiters.clear();
  }

  /** All lines, for a failure's message. */
  get text(): string {
    return this.lines.join('\n');
  }

  /** Number of lines so far: pass it as `after` to wait for what is written from here on. */
  get mark(): number {
    return this.lines.length;
  }

  /** Everything that the fixtures reported of that kind, in order. */
  reports(kind: string, after = 0): Report[] {
    return this.lines.slice(after).flatMap((line) => {
      const report = parseReport(line);
      return report?.kind === kind ? [report] : [];
    });
  }

  /** Resolves to the first line from `after` on for which `match` gives something, or rejects at the deadline. */
  wait<T>(what: string, match: (line: string) => T | undefined, after = 0, timeout = PATIENCE): Promise<T> {
    return new Promise((resolve, reject) => {
      for (const line of this.lines.slice(after)) {
        const found = match(line);
        if (found !== undefined) return resolve(found);
      }
      const fail = (reason: string) => {
        clearTimeout(timer);
        reject(new Error(`no ${what}: ${reason}\n--- output\n${this.text}`));
      };
      if (this.ended !== undefined) return reject(new Error(`no ${what}: ${this.ended}\n--- output\n${this.text}`));
      const waiter: Waiter = {
        look: (line) => {
          const found = match(line);
          if (found === undefined) return false;
          clearTimeout(timer);
          resolve(found);
          return true;
        },
        fail,
      };
      const timer = setTimeout(() => {
        this.waiters.delete(waiter);
        fail(`not within ${timeout} ms`);
      }, timeout);
      this.waiters.add(waiter);
    });
  }
}

/** The report in a line, or undefined for any other line. */
export function parseReport(line: string): Report | undefined {
  const found = /^@([\w.-]+) (\{.*\})$/.exec(line);
  return found ? { ...(JSON.parse(found[2]!) as object), kind: found[1]! } : undefined;
}
