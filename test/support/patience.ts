/**
 * How long a test waits for what is bound to happen, in ms. Who is not there by then hangs. Nothing is measured by it: on a
 * shared machine a process that takes 1 s to start has been seen to take 11.
 */
export const PATIENCE = 45_000;
