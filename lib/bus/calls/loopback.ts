// The module's own setImmediate: an application's tests may have replaced the global one by a fake clock.
import { setImmediate } from 'node:timers';

/** What a member sends to itself: done in a later loop turn, in order. */
export class Loopback {
  private queue: (() => void)[] = [];

  push(deliver: () => void): void {
    if (this.queue.push(deliver) === 1) setImmediate(() => this.run());
  }

  private run(): void {
    const queue = this.queue;
    this.queue = [];
    for (const deliver of queue) deliver();
  }
}
