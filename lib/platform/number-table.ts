/** Number of slots of an empty table; a power of two. */
const SLOTS = 64;

/** The table never shrinks below this number of slots: entries that come in bursts would resize it all the time. */
const KEPT_SLOTS = 4096;

/** Knuth's multiplicative hash, TAOCP vol. 3, 6.4: 2 ** 32 divided by the golden ratio. */
const MULTIPLIER = 0x9e3779b1;

/**
 * Values by number, 0 to 2 ** 32 - 1, without an order: like a Map, but for entries that come and go all the time.
 *
 * A Map is rebuilt again and again in that case, and the content of its old tables counts as alive until V8's next
 * full collection, because those tables are old themselves. With 1,000 calls under way, that took most of a busy
 * sender's CPU time. This table deletes in place (open addressing, linear probing, backward shift) and empties its old
 * tables.
 */
export class NumberTable<Value> {
  #keys = new Uint32Array(SLOTS);
  #values = emptySlots<Value>(SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): Value | undefined {
    return this.#values[this.#slotOf(key)];
  }

  has(key: number): boolean {
    return this.get(key) !== undefined;
  }

  /** Stores `value`, and replaces an earlier value of this key. */
  set(key: number, value: Value): void {
    const slot = this.#slotOf(key);
    if (this.#values[slot] === undefined && ++this.#size * 2 > this.#values.length) {
      this.#resize(this.#values.length * 2);
      this.#put(key, value);
      return;
    }
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  /** Removes a value and returns it. */
  take(key: number): Value | undefined {
    const slot = this.#slotOf(key);
    const value = this.#values[slot];
    if (value === undefined) return undefined;
    this.#close(slot);
    this.#size--;
    if (this.#size * 16 < this.#values.length && this.#values.length > KEPT_SLOTS)
      this.#resize(this.#values.length / 2);
    return value;
  }

  /** All current entries, sorted by key. */
  entries(): [key: number, value: Value][] {
    const entries: [number, Value][] = [];
    for (const [slot, value] of this.#values.entries()) {
      if (value !== undefined) entries.push([this.#keys[slot]!, value]);
    }
    return entries.sort(([a], [b]) => a - b);
  }

  /** The slot that holds `key`, or the empty slot where it would be put. */
  #slotOf(key: number): number {
    const mask = this.#values.length - 1;
    let slot = this.#home(key);
    while (this.#values[slot] !== undefined && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #home(key: number): number {
    return (Math.imul(key, MULTIPLIER) >>> 8) & (this.#values.length - 1);
  }

  /** Empties a slot, and moves up the entries behind it that were displaced from their home slot. */
  #close(slot: number): void {
    const mask = this.#values.length - 1;
    let gap = slot;
    for (let next = (gap + 1) & mask; this.#values[next] !== undefined; next = (next + 1) & mask) {
      const home = this.#home(this.#keys[next]!);
      if (((next - home) & mask) < ((next - gap) & mask)) continue;
      this.#keys[gap] = this.#keys[next]!;
      this.#values[gap] = this.#values[next];
      gap = next;
    }
    this.#values[gap] = undefined;
  }

  #put(key: number, value: Value): void {
    const slot = this.#slotOf(key);
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  #resize(slots: number): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Uint32Array(slots);
    this.#values = emptySlots(slots);
    for (const [slot, value] of values.entries()) if (value !== undefined) this.#put(keys[slot]!, value);
    values.fill(undefined);
  }
}

function emptySlots<Value>(slots: number): (Value | undefined)[] {
  return Array.from<Value | undefined>({ length: slots }).fill(undefined);
}
