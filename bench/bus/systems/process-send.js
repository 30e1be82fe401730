import cluster from 'node:cluster';
import { takeOrders } from '../worker.js';

/*
 * What an application writes by hand: workers send to the primary, which sends on, all of it by process.send. `consume`
 * goes to the workers in turn and is not answered, as that of think-cluster.
 */
if (cluster.isPrimary) relay(Number(process.env.BENCH_WORKERS));
else await work();

function relay(workers) {
  cluster.setupPrimary({ serialization: process.env.BENCH_SERIALIZATION });
  const all = Array.from({ length: workers }, (_, index) => cluster.fork({ BENCH_INDEX: String(index) }));
  let turn = 0;
  for (const [from, worker] of all.entries()) {
    worker.on('message', (message) => {
      if (message.to !== undefined) all[message.to].send({ ...message, from });
      else if (message.call === 'consume') all[turn++ % all.length].send(message);
      else for (const other of all) if (other !== worker) other.send({ ...message, from });
    });
  }
}

async function work() {
  const self = Number(process.env.BENCH_INDEX);
  const workers = Number(process.env.BENCH_WORKERS);
  const pending = new Map();
  let lastId = 0;
  let handlers;

  /** Resolves to the answers of so many workers. */
  const ask = (message, answers) =>
    new Promise((resolve) => {
      const id = (lastId += 1);
      pending.set(id, { values: [], answers, resolve });
      process.send({ ...message, id });
    });

  process.on('message', ({ call, id, from, data, answer }) => {
    if (call !== undefined) {
      const value = handlers[call](data);
      if (id !== undefined) process.send({ to: from, id, answer: value });
      return;
    }
    const waiting = pending.get(id);
    waiting.values.push(answer);
    if (waiting.values.length < waiting.answers) return;
    pending.delete(id);
    waiting.resolve(waiting.values);
  });

  await takeOrders({
    broadcast: (data) => {
      process.send({ call: 'broadcast', data });
      handlers.broadcast(data);
    },
    consume: (data) => void process.send({ call: 'consume', data }),
    map: async (data) => {
      const others = workers > 1 ? ask({ call: 'map', data }, workers - 1) : [];
      return [handlers.map(data), ...(await others)];
    },
    request: async (data, to) => (await ask({ call: 'request', to, data }, 1))[0],
    listen: (given) => (handlers = given),
    index: self,
  });
}
