let leads: () => boolean = () => false;

/** Sets the function that tells whether this process leads. The process's runtime calls it once. */
export function setLeadership(isLeader: () => boolean): void {
  leads = isLeader;
}

/** Whether this process leads right now. Decorated methods have no injector, so they ask here. */
export function isLeading(): boolean {
  return leads();
}
