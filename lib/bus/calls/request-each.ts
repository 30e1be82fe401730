import type { Answer, Bus, MemberId, Waiter } from '../bus.interface.js';

/** Performs `bus.requestEach` by separate requests. An error of one does not affect the others. */
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
