/**
 * With how many servers a worker has to listen before it may be called ready: it takes the place of one that listened,
 * and the old one leaves when it is ready. Slots may differ: some applications open one more port in the first slot alone.
 */
export class ExpectedServers {
  private readonly bySlot = new Map<number, number>();
  /** The newest generation of which a worker has been ready, and the most servers that one of its workers has. */
  private newest = { generation: 0, most: 0 };

  /** A worker is ready, or one that was ready listens with more servers than before. */
  listens(slot: number, generation: number, servers: number): void {
    this.bySlot.set(slot, servers);
    const { newest } = this;
    if (generation > newest.generation) this.newest = { generation, most: servers };
    else if (generation === newest.generation) newest.most = Math.max(newest.most, servers);
  }

  /** For the next worker of a slot; undefined where nothing is known. */
  of(slot: number, generation: number): number | undefined {
    const before = this.bySlot.get(slot) ?? this.fewest();
    if (before === undefined || generation !== this.newest.generation) return before;
    // A build that has shown that it has fewer servers is not waited for again; but one server it must have.
    return Math.min(before, Math.max(1, this.newest.most));
  }

  private fewest(): number | undefined {
    return this.bySlot.size > 0 ? Math.min(...this.bySlot.values()) : undefined;
  }
}
