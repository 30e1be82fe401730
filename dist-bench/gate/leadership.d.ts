/** Says how this process knows whether it leads; set once by its runtime. */
export declare function setLeadership(isLeader: () => boolean): void;
/** Whether this process leads right now. Decorated methods ask here: they have no injector. */
export declare function isLeading(): boolean;
