import type { Member } from './bus.interface.js';

/** What the members are told of a heartbeat that is overdue, or is not. */
export function standing(suspect: boolean): Pick<Member, 'state' | 'suspect'> {
  return { state: suspect ? 'suspect' : 'ready', suspect };
}
