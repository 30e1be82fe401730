/** A worker whose server listens. Workers that are leaving are not included. */
export interface Acceptor {
  readonly id: number;
  readonly slot: number;
  /** Whether it is ready and responding. */
  readonly serves: boolean;
  /** Its open connections, as its last heartbeat reported. */
  readonly connections: number;
}

/** The workers that accept on the socket of each slot. */
export type SocketAssignment = ReadonlyMap<number, ReadonlySet<number>>;

/**
 * The kernel spreads connections by a hash, so their numbers vary as in a Poisson process, whose standard deviation is
 * √mean. A worker is busy if it is more than this many standard deviations above the mean.
 */
const BUSY_DEVIATIONS = 2;

/** A worker that is being helped keeps its helper until it is this close to the mean, in standard deviations. */
const RELIEVED_DEVIATIONS = 1;

/**
 * Decides which workers accept on the socket of each slot. A slot's own workers do: the one that serves it, and the one
 * that will replace it. While none of them serves (booting, dead, unresponsive, scaled away), another ready worker
 * accepts as well, so that no client waits; it stays the same worker for as long as possible. A worker that holds far
 * more connections than the others is helped by the least busy one, which takes from the same queue.
 *
 * @param slots the slots that have a socket
 * @param acceptors the workers that listen
 * @param before the assignment until now
 */
export function assignSockets(
  slots: readonly number[],
  acceptors: readonly Acceptor[],
  before: SocketAssignment,
): SocketAssignment {
  const plan = new Map<number, Set<number>>();
  const serving = acceptors.filter(({ serves }) => serves);
  const borrowed = new Map<number, number>();
  const lend = (slot: number, lenders: readonly Acceptor[]): void => {
    const earlier = before.get(slot);
    const borrower =
      lenders.find(({ id }) => earlier?.has(id)) ??
      lenders.toSorted((a, b) => load(a) - load(b) || a.connections - b.connections || a.id - b.id)[0];
    if (!borrower) return;
    plan.get(slot)!.add(borrower.id);
    borrowed.set(borrower.id, load(borrower) + 1);
  };
  const load = ({ id }: Acceptor): number => borrowed.get(id) ?? 0;

  for (const slot of slots) {
    const own = acceptors.filter((acceptor) => acceptor.slot === slot);
    plan.set(slot, new Set(own.map(({ id }) => id)));
    if (!own.some(({ serves }) => serves)) lend(slot, serving);
  }

  const mean = serving.reduce((sum, { connections }) => sum + connections, 0) / Math.max(1, serving.length);
  const seen = new Set<number>();
  for (const { slot, connections } of serving.toSorted((a, b) => b.connections - a.connections)) {
    // The busiest worker of a slot comes first and decides for the slot: one helper is enough for all its workers.
    if (!plan.has(slot) || seen.has(slot)) continue;
    seen.add(slot);
    const others = serving.filter((other) => other.slot !== slot);
    const helped = others.some(({ id }) => before.get(slot)?.has(id));
    const limit = mean + (helped ? RELIEVED_DEVIATIONS : BUSY_DEVIATIONS) * Math.sqrt(mean);
    if (connections <= limit) continue;
    const idler = others.filter((other) => other.connections < mean);
    lend(slot, idler);
  }
  return plan;
}
