import type { Answer, Bus, MemberId, Waiter } from '../bus.interface.js';

/** `bus.requestEach` as so many requests: what one of them meets is no business of the others. */
export function requestEach(
  bus: Pick<Bus, 'request'>,
  to: readonly MemberId[],
  event: string,
  payload: Uint8Array,
  deadline: number,
  waiters: readonly Waiter<Answer>[],
): void {
  for (const [i, member] of to.entries()) {
    const waiter = waiters[i]!;
    try {
      bus.request(member, event, payload, deadline, waiter);
    } catch (error) {
      waiter.reject(error);
    }
  }
}
