/** How long running work may take after an uncaught error, in ms. The worker exits by then; the primary waits as long. */
export const FAILING_TIMEOUT = 5_000;
