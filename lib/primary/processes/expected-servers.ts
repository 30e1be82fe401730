/**
 * Knows with how many servers a worker has to listen before it counts as ready: the worker that it replaces listened,
 * and leaves when the new one is ready. Slots may differ: some applications open an additional port in the first slot
 * only.
 */
export class ExpectedServers {
  private readonly bySlot = new Map<number, number>();
  /**
   * The newest generation of which a worker has been ready, and the highest number of servers of any of its workers.
   */
  private newest = { generation: 0, most: 0 };

  /** A worker has become ready, or a ready worker listens with more servers than before. */
  listens(slot: number, generation: number, servers: number): void {
    this.bySlot.set(slot, servers);
    const { newest } = this;
    if (generation > newest.generation) this.newest = { generation, most: servers };
    else if (generation === newest.generation) newest.most = Math.max(newest.most, servers);
  }

  /** The number for the next worker of a slot; undefined if nothing is known. */
  of(slot: number, generation: number): number | undefined {
    const before = this.bySlot.get(slot) ?? this.fewest();
    if (before === undefined || generation !== this.newest.generation) return before;
    // If the build has shown that it has fewer servers, its workers need no more than that; but each needs at least
    // one.
    return Math.min(before, Math.max(1, this.newest.most));
  }

  private fewest(): number | undefined {
    return this.bySlot.size > 0 ? Math.min(...this.bySlot.values()) : undefined;
  }
}
