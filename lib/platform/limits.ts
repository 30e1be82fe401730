/** More processes than this are taken for a slip of the pen. */
export const MAX_WORKERS = 1024;

/** Longest delay that Node's timers take, in ms: a longer one would fire at once. */
export const MAX_DELAY = 2 ** 31 - 1;

/** Largest payload where nothing else is said, in bytes; with an engine, so that names fit into a broker's 1 MiB, too. */
export const MAX_PAYLOAD = 1_048_576;
export const MAX_PAYLOAD_OF_ENGINE = 1_000_000;

/** Brokers look for leases that ran out about once a second: a shorter one would promise too much. In ms. */
export const MIN_LEASE = 1_000;
