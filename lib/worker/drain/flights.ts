/**
 * One message, from the time when it was taken until its reply is on its way. Several activities may belong to it, such
 * as its handler and the stream that the handler returned; the message is done when the last of them is.
 */
export class Flight {
  private holds = 0;

  /** @param groups the groups that count it */
  constructor(private readonly groups: readonly Flights[]) {}

  isOf(group: Flights): boolean {
    return this.groups.includes(group);
  }

  /** An activity of the message begins; call the returned function when it is over. Further calls of it do nothing. */
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

/** The messages in flight of a server, or of one of its connections. */
export class Flights {
  readonly flying = new Set<Flight>();

  /** @param whole the group that this one is a part of */
  constructor(private readonly whole?: Flights) {}

  get count(): number {
    return this.flying.size;
  }

  /** Returns a new message; it counts from its first `hold` on. */
  next(): Flight {
    return new Flight(this.whole ? [this, this.whole] : [this]);
  }
}
