let leads: () => boolean = () => false;

/** Says how this process knows whether it leads; set once by its runtime. */
export function setLeadership(isLeader: () => boolean): void {
  leads = isLeader;
}

/** Whether this process leads right now. Decorated methods ask here: they have no injector. */
export function isLeading(): boolean {
  return leads();
}
