/**
 * One message from the moment it was taken until its reply is on its way. Several things of it may go on at once, such
 * as its handler and the stream that the handler returned; it is over when the last of them is.
 */
export class Flight {
  private holds = 0;

  /** @param groups those that count it */
  constructor(private readonly groups: readonly Flights[]) {}

  isOf(group: Flights): boolean {
    return this.groups.includes(group);
  }

  /** Something of the message begins; call what this returns when it is over. Further calls do nothing. */
  hold(): () => void {
    if ((this.holds += 1) === 1) for (const group of this.groups) group.flying.add(this);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      if ((this.holds -= 1) === 0) for (const group of this.groups) group.flying.delete(this);
    };
  }
}

/** The messages in flight of a server, or of one connection of it. */
export class Flights {
  readonly flying = new Set<Flight>();

  /** @param whole the group that this one is a part of */
  constructor(private readonly whole?: Flights) {}

  get count(): number {
    return this.flying.size;
  }

  /** A message that nothing is known of yet; it counts from its first hold on. */
  next(): Flight {
    return new Flight(this.whole ? [this, this.whole] : [this]);
  }
}
