import type { MemberId } from '../bus/bus.interface.js';
import { MOST_MEMBERS } from './membership.js';

/**
 * Tells what is newer than all that was heard of its sender. What lay in the buffers of a connection that broke may come
 * when later messages have long come by another one.
 */
export class Newest {
  private readonly last = new Map<MemberId, number>();

  /** @param number counts the sender's messages, in 32 bits, and begins anew when they are used up */
  isNewer(sender: MemberId, number: number): boolean {
    const last = this.last.get(sender);
    if (last === undefined) this.makeRoom();
    else if (((number - last) | 0) <= 0) return false;
    this.last.set(sender, number);
    return true;
  }

  private makeRoom(): void {
    const [oldest] = this.last.keys();
    if (this.last.size >= MOST_MEMBERS && oldest !== undefined) this.last.delete(oldest);
  }
}
