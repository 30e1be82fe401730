import type { Answer, MemberId, Waiter } from '../bus.interface.js';

/** One request to several members under one number. Each member answers, refuses or is lost separately. */
export class GroupCall {
  readonly what = 'group';
  private readonly asked: MemberId[] = [];
  private readonly waiters: Waiter<Answer>[] = [];

  add(member: MemberId, waiter: Waiter<Answer>): void {
    this.asked.push(member);
    this.waiters.push(waiter);
  }

  /** The members that have not answered. */
  get members(): readonly MemberId[] {
    return [...this.asked];
  }

  get isOver(): boolean {
    return this.asked.length === 0;
  }

  /** Removes and returns the waiter for the member's answer. */
  take(member: MemberId): Waiter<Answer> | undefined {
    const index = this.asked.indexOf(member);
    if (index < 0) return undefined;
    this.asked.splice(index, 1);
    return this.waiters.splice(index, 1)[0];
  }
}
