/**
 * How long a test waits for what is bound to happen, in ms. Who is not there by then hangs. Nothing is measured by it: on a
 * shared machine a process that takes 1 s to start has been seen to take 11.
 */
export const PATIENCE = 45_000;

/**
 * The package's default for `shutdown`, in ms, where the fixtures' own is shorter: enough for a load to be answered by a
 * worker that gets little time, and for idle connections to be ended by their clients, not under their hands.
 */
export const UNHURRIED = { timeout: 30_000 };
