import type { Member } from './bus.interface.js';

/** What the members are told of a worker whose heartbeat is overdue, or whose cluster is asked to stop. */
export function standing(suspect: boolean, stopping = false): Pick<Member, 'state' | 'suspect'> {
  if (suspect) return { state: 'suspect', suspect };
  return { state: stopping ? 'stopping' : 'ready', suspect };
}
