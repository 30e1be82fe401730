/** How long what is in flight may take after an uncaught error, in ms: the worker leaves by then, and the primary waits as long. */
export const FAILING_TIMEOUT = 5_000;
