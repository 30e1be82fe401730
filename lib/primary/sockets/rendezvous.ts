/**
 * Sorts the slots in the order of a client's preference: rendezvous hashing (Thaler and Ravishankar, "A name-based
 * mapping scheme for rendezvous", 1996). When a slot is added or removed, only its own clients move, which are 1/n of
 * them on average; the first choice of all other clients stays the same.
 */
export function rendezvousOrder(client: string, slots: readonly number[]): number[] {
  const name = fnv1a(client);
  return slots
    .map((slot) => ({ slot, weight: mix(name ^ mix(slot + 1)) }))
    .sort((a, b) => b.weight - a.weight || a.slot - b.slot)
    .map(({ slot }) => slot);
}

/** FNV-1a, 32 bits (RFC 9923). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** The finalizer of MurmurHash3 (Appleby, public domain): every bit of the input affects every bit of the output. */
function mix(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
