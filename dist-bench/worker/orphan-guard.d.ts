/**
 * Ends this process `grace` ms after its primary is gone, whatever the main thread does by then: a thread
 * of its own watches the parent, for an event loop that is blocked hears of nothing.
 *
 * @param grace time in ms to finish what is in flight
 */
export declare function guardAgainstOrphanhood(grace: number): void;
