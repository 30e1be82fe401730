import type { Answer, MemberId, Waiter } from '../bus.interface.js';

/** One request to several members under one number: each is answered, refused or lost by itself. */
export class GroupCall {
  readonly what = 'round';
  private readonly asked: MemberId[] = [];
  private readonly waiters: Waiter<Answer>[] = [];

  add(member: MemberId, waiter: Waiter<Answer>): void {
    this.asked.push(member);
    this.waiters.push(waiter);
  }

  /** Those that have not answered. */
  get members(): readonly MemberId[] {
    return [...this.asked];
  }

  get isOver(): boolean {
    return this.asked.length === 0;
  }

  /** Whoever waits for the member's answer, which is waited for no more. */
  take(member: MemberId): Waiter<Answer> | undefined {
    const index = this.asked.indexOf(member);
    if (index < 0) return undefined;
    this.asked.splice(index, 1);
    return this.waiters.splice(index, 1)[0];
  }
}
