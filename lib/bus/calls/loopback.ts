// Imported from the module, because an application's tests may have replaced the global setImmediate by a fake clock.
import { setImmediate } from 'node:timers';

/** Messages of a member to itself: delivered in a later turn of the event loop, in order. */
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
