import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { payload } from './payload.js';

/** Bytes of a broadcast that fills queues. */
const FILLING = 100_000;

/**
 * A worker's side of the benchmark. Orders come, and reports go, over a connection of its own to the
 * benchmark, so that nothing but the messages measured is on the bus.
 *
 * `bus` is what the system can do: some of `broadcast(data)`, `consume(data)`, `map(data)` and
 * `request(data, to)`, `to` being the index of another worker; each may return a promise. `listen(handlers)`
 * gets a handler for each. Where workers know their `index` they say it; else they count by age.
 */
export async function takeOrders(bus) {
  let awaited = Infinity;
  let received = 0;
  const arrived = (data) => {
    received += 1;
    if (received === awaited) report({ type: 'received' });
    return data.id;
  };
  bus.listen({
    broadcast: (data) => void arrived(data),
    consume: (data) => void arrived(data),
    map: arrived,
    request: arrived,
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
    // Not awaited: it is to wait where a worker does not take it.
    fill: ({ bytes }) => {
      for (let id = 0; id * FILLING < bytes; id++) {
        Promise.resolve(bus.broadcast({ id, text: 'x'.repeat(FILLING) })).catch(() => {});
      }
      report({ type: 'filled' });
    },
    run: async ({ call, pace, workers }) => {
      const batch = messages;
      messages = [];
      let turn = 0;
      // To the others in turn; the first worker is the one that asks.
      const send = (data) => bus[call](data, 1 + (turn++ % Math.max(1, workers - 1)));
      report({ type: 'ran', latencies: await paced(batch, pace, send) });
    },
  };
  let messages = [];
  let runs = 0;
  createInterface({ input: socket }).on('line', (line) => {
    const { order, ...details } = JSON.parse(line);
    void orders[order](details);
  });
  socket.on('close', () => process.exit());
  report({ type: 'hello', index: bus.index });
}

/** Sends all of them; resolves to { p50, p99 } in ms where the pace waits for answers. */
async function paced(messages, { perTurn, inFlight, interval }, send) {
  if (interval !== undefined) return slowly(messages, interval, send);
  if (inFlight !== undefined) return pool(messages, inFlight, send);
  await burst(messages, perTurn, send);
  return undefined;
}

/** Sends without waiting for anybody's answer; only for the bus itself, where it asks to. */
async function burst(messages, perTurn, send) {
  for (let i = 0; i < messages.length; i += perTurn) {
    await Promise.all(messages.slice(i, i + perTurn).map((message) => send(message)));
    await setImmediate();
  }
}

/** Keeps so many calls going until all have their answer. */
async function pool(messages, inFlight, send) {
  const latencies = [];
  let next = 0;
  const lane = async () => {
    while (next < messages.length) latencies.push(await timed(send, messages[next++]));
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return percentiles(latencies);
}

async function slowly(messages, interval, send) {
  const latencies = [];
  for (const message of messages) {
    latencies.push(await timed(send, message));
    await setTimeout(interval);
  }
  return percentiles(latencies);
}

async function timed(send, message) {
  const startedAt = performance.now();
  await send(message);
  return performance.now() - startedAt;
}

function percentiles(values) {
  const sorted = Float64Array.from(values).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5), p99: at(0.99) };
}
