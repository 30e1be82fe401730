/** A broadcast is looked at this long after it was sent, when whoever was paused has caught up, in ms. */
const PATIENCE = 30_000;

/** Who became or ceased to be a member within this long of a broadcast may or may not have got it, in ms. */
const MARGIN = 500;

/** A worker struck this soon after a broadcast may not have read it, or not have handed over its own, in ms. */
const UNREAD = 2_000;

/** Whether broadcasts arrive: once, in order, and at every worker that was a member all the while. */
export class Deliveries {
  #strikes;
  #violated;
  #counts;
  /** Who got which broadcast: by `sender.seq`, the pids. */
  #heard = new Map();
  /** By `receiver<sender`: the last one's number. */
  #last = new Map();
  /** Sent, not yet looked at. */
  #told = [];
  /** Who is a member and no suspect, each with the time (ms) since when. */
  #memberships = [];
  #primary;

  constructor(strikes, violated, counts) {
    this.#strikes = strikes;
    this.#violated = violated;
    this.#counts = counts;
  }

  enter(entry) {
    if (entry.what === 'members') this.#membersChanged(entry);
    else if (entry.what === 'heard') this.#received(entry);
    else if (entry.what === 'told') this.#sent(entry);
  }

  /** Looks at all that is left. */
  close() {
    this.#lookAt(Infinity);
  }

  #membersChanged({ pid, at, members }) {
    this.#primary = pid; // It is the primary that writes them down.
    this.#memberships.push({ at, pids: members.filter(({ suspect }) => !suspect).map((member) => member.pid) });
  }

  #received({ pid, from, seq }) {
    this.#counts.deliveries += 1;
    const pair = `${pid}<${from}`;
    const last = this.#last.get(pair) ?? 0;
    if (seq <= last) this.#violated(`${pid} got broadcast ${seq} of ${from} after its ${last}`);
    this.#last.set(pair, seq);
    const key = `${from}.${seq}`;
    if (!this.#heard.has(key)) this.#heard.set(key, new Set());
    this.#heard.get(key).add(pid);
  }

  #sent(entry) {
    this.#counts.broadcasts += 1;
    this.#told.push(entry);
    this.#lookAt(entry.at - PATIENCE);
  }

  #lookAt(until) {
    while (this.#told.length > 0 && this.#told[0].at <= until) this.#look(this.#told.shift());
  }

  #look({ pid, seq, before, at }) {
    const heard = this.#heard.get(`${pid}.${seq}`) ?? new Set();
    this.#heard.delete(`${pid}.${seq}`);
    if (this.#strikes.isVictim(pid, at + UNREAD)) return;
    for (const receiver of [this.#primary, ...this.#steadyMembers(before - MARGIN, at + MARGIN)]) {
      if (heard.has(receiver) || this.#strikes.isVictim(receiver, at + UNREAD)) continue;
      this.#violated(`broadcast ${seq} of ${pid} did not reach ${receiver}`);
    }
  }

  /** Who was a member all the time. */
  #steadyMembers(from, to) {
    // Older ones than the one that held at `from` are needed no more: broadcasts come by the time they were sent.
    while (this.#memberships.length > 1 && this.#memberships[1].at <= from - PATIENCE) this.#memberships.shift();
    const views = this.#memberships.filter(
      ({ at }, index) => at <= to && (this.#memberships[index + 1]?.at ?? Infinity) >= from,
    );
    const [first, ...rest] = views;
    if (!first || first.at > from) return [];
    return first.pids.filter((pid) => rest.every(({ pids }) => pids.includes(pid)));
  }
}
