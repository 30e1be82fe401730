import { describe, expect, it } from '@jest/globals';
import { HangupDetector } from '../../../lib/primary/hangup.js';
import type { Clock } from '../../../lib/platform/clock.js';

/** A terminal, and a clock that the test turns by hand. */
class Scene implements Clock {
  there = true;
  private time = 0;
  private timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(delay: number, callback: () => void): { cancel(): void } {
    const timer = { at: this.time + delay, callback };
    this.timers.push(timer);
    return { cancel: () => (this.timers = this.timers.filter((one) => one !== timer)) };
  }

  pass(ms: number): void {
    for (const end = this.time + ms; ;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      this.time = next?.at ?? end;
      if (!next) return;
      this.timers.splice(this.timers.indexOf(next), 1);
      next.callback();
    }
  }

  detector(): HangupDetector {
    const detector = new HangupDetector(() => this.there, this);
    detector.watch();
    return detector;
  }
}

describe('a SIGHUP', () => {
  it('where there never was a terminal is a request', async () => {
    const scene = new Scene();
    scene.there = false;
    expect(await scene.detector().meaning()).toBe('request');
  });

  it('where the terminal has just gone is its hang-up, and so is the one that the shell passes on', async () => {
    const scene = new Scene();
    const detector = scene.detector();
    scene.pass(10_500);
    scene.there = false;
    expect(await detector.meaning()).toBe('hang-up');
    scene.pass(5_000);
    expect(await detector.meaning()).toBe('hang-up');
  });

  it('from a terminal emulator that closes the terminal only then is its hang-up', async () => {
    const scene = new Scene();
    const meaning = scene.detector().meaning();
    scene.pass(100);
    scene.there = false;
    scene.pass(200);
    expect(await meaning).toBe('hang-up');
  });

  it('while the terminal stays is a request', async () => {
    const scene = new Scene();
    const meaning = scene.detector().meaning();
    scene.pass(300);
    expect(await meaning).toBe('request');
  });

  it('long after the terminal went is a request: the process has become a daemon', async () => {
    const scene = new Scene();
    const detector = scene.detector();
    scene.there = false;
    scene.pass(12_000);
    expect(await detector.meaning()).toBe('request');
  });
});
