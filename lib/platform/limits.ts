/** More workers than this are considered a typo. */
export const MAX_WORKERS = 1024;

/** The longest delay that Node's timers accept, in ms: a longer one would fire at once. */
export const MAX_DELAY = 2 ** 31 - 1;

/**
 * Default for the largest payload, in bytes. It is smaller with an engine, so that names also fit into a broker's 1
 * MiB.
 */
export const MAX_PAYLOAD = 1_048_576;
export const MAX_PAYLOAD_OF_ENGINE = 1_000_000;

/**
 * The shortest lease, in ms: brokers check for expired leases about once a second, so a shorter one promises too much.
 */
export const MIN_LEASE = 1_000;
