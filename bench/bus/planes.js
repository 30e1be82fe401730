/**
 * What is measured. `call` is what the worker does, `everyone` says that each message has a delivery in every worker,
 * `count` is how many messages a run has. How fast they leave:
 *
 * - `perTurn`: so many in a turn of the event loop, and on without waiting for anybody's answer
 * - `inFlight`: as many as wait for their answer at a time
 * - `interval`: one, then nothing, for so many ms
 *
 * A call without an answer cannot wait for one: `perTurn` holds for it where both are given. `spared` workers, the last
 * ones, get no request; where they are `stopped`, by SIGSTOP, more broadcasts wait for them than there is room for.
 */
export const PLANES = {
  broadcast: { call: 'broadcast', everyone: true, count: 100_000, perTurn: 100 },
  'broadcast-turn': { call: 'broadcast', everyone: true, count: 20_000, perTurn: 1 },
  consume: { call: 'consume', count: 100_000, perTurn: 100, inFlight: 1_000 },
  'consume-64': { call: 'consume', count: 50_000, perTurn: 64, inFlight: 64 },
  map: { call: 'map', everyone: true, count: 10_000, inFlight: 64 },
  request: { call: 'request', count: 50_000, inFlight: 64 },
  'request-beside': { call: 'request', count: 50_000, inFlight: 64, spared: 1 },
  'request-beside-stopped': { call: 'request', count: 50_000, inFlight: 64, spared: 1, stopped: true },
  'map-low': { call: 'map', everyone: true, count: 400, interval: 5 },
  'request-low': { call: 'request', count: 400, interval: 5 },
};

/** Calls at full speed that make the code of a plane hot where its own pace would take an hour to. */
const WARM_UP = { count: 10_000, inFlight: 64 };

/** What is run before a plane is measured: in production it has been for long. */
export function warmUpOf({ interval, ...plane }) {
  return interval === undefined ? plane : { ...plane, ...WARM_UP };
}

/** Bytes of all deliveries of a run together, at most: large messages are fewer. */
const RUN_BYTES = 64 * 2 ** 20;

/** How many messages of `size` bytes a run has; `scale` is how much more than usual. */
export function countOf({ count, everyone }, size, workers, scale) {
  const most = Math.max(1, Math.floor(RUN_BYTES / (size * (everyone ? workers : 1))));
  const wanted = Math.min(Math.round(count * scale), most);
  // As many for each worker where they take turns.
  return Math.max(1, Math.floor(wanted / workers)) * workers;
}

/** How many deliveries so many messages are. */
export function deliveriesOf({ everyone }, count, workers) {
  return everyone ? count * workers : count;
}
