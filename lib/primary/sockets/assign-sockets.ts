/** A worker whose server listens, as the plan sees it. One that leaves is not among them. */
export interface Acceptor {
  readonly id: number;
  readonly slot: number;
  /** Whether it is ready and was heard lately. */
  readonly serves: boolean;
  /** Open connections, by its last heartbeat. */
  readonly connections: number;
}

/** For each slot's socket the workers that accept on it. */
export type SocketAssignment = ReadonlyMap<number, ReadonlySet<number>>;

/**
 * Hashing spreads connections like a Poisson process: √mean is its standard deviation. Only beyond two of
 * them is a worker called busy.
 */
const BUSY_DEVIATIONS = 2;

/** One that is helped stays so until it is this close to the mean, in the same unit. */
const RELIEVED_DEVIATIONS = 1;

/**
 * Who accepts on which slot's socket. A slot's own workers do: the one that serves, and the one that is to
 * replace it. While none of them serves (booting, dead, silent, scaled away) another ready worker does as
 * well, so that nobody waits; it stays the same one for as long as it can. A worker that holds far more
 * connections than the others is helped by the least busy one, which takes from the same queue.
 *
 * @param slots those that have a socket
 * @param acceptors the workers that listen
 * @param before the plan in force
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
    // A slot is as busy as the busiest of its workers, which comes first; one helper is enough for all of them.
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
