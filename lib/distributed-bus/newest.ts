import type { MemberId } from '../bus/bus.interface.js';
import { MOST_MEMBERS } from './membership.js';

/**
 * Tells whether a message is newer than every other that was heard from its sender. Messages from the buffers of a
 * broken connection may arrive after later messages that came over another connection.
 */
export class Newest {
  private readonly last = new Map<MemberId, number>();

  /** @param number the sender's count of its messages, in 32 bits; it starts again when they are used up */
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
