import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { payload } from './payload.js';

/** Messages of a burst that leave in one turn of the event loop, before others may do something. */
const PER_TURN = 100;

/**
 * A worker's side of the benchmark. Orders come, and reports go, over a connection of its own to the
 * benchmark, so that nothing but the messages measured is on the bus.
 *
 * `bus` is what the system can do: `broadcast(data)`, `consume(data)`, `map(data)`, each may return a promise,
 * and `listen({ broadcast, consume, map })`, the handlers.
 */
export async function takeOrders(bus, { answersConsume }) {
  let awaited = Infinity;
  let received = 0;
  const arrived = () => {
    received += 1;
    if (received === awaited) report({ type: 'received' });
  };
  bus.listen({
    broadcast: arrived,
    consume: arrived,
    map: ({ id }) => {
      received += 1;
      return id;
    },
  });
  const socket = connect(process.env.BENCH_CONTROL);
  const report = (message) => socket.write(`${JSON.stringify({ pid: process.pid, ...message })}\n`);
  const orders = {
    expect: ({ count }) => {
      received = 0;
      awaited = count ?? Infinity;
      report({ type: 'expecting' });
    },
    prepare: ({ size, count }) => {
      messages = Array.from({ length: count }, (_, i) => payload(size, (runs += 1) * 1_000_003 + i));
      report({ type: 'prepared' });
    },
    run: async ({ plane, inFlight }) => {
      const batch = messages;
      messages = [];
      if (plane === 'broadcast' || (plane === 'consume' && !answersConsume))
        await burst(batch, (data) => bus[plane](data));
      else await pool(batch, inFlight, (data) => bus[plane](data));
      report({ type: 'ran' });
    },
  };
  let messages = [];
  let runs = 0;
  createInterface({ input: socket }).on('line', (line) => {
    const { order, ...details } = JSON.parse(line);
    void orders[order](details);
  });
  socket.on('close', () => process.exit());
  report({ type: 'hello' });
}

/** Sends without waiting for anybody's answer; only for the bus itself, where it asks to. */
async function burst(messages, send) {
  for (let i = 0; i < messages.length; i += PER_TURN) {
    await Promise.all(messages.slice(i, i + PER_TURN).map((message) => send(message)));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Keeps so many calls going until all have their answer. */
async function pool(messages, inFlight, call) {
  let next = 0;
  const lane = async () => {
    while (next < messages.length) await call(messages[next++]);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}
