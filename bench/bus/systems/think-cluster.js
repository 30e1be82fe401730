import cluster from 'node:cluster';
import thinkCluster from 'think-cluster';
import { takeOrders } from '../worker.js';

const { Master, messenger } = thinkCluster;
if (cluster.isPrimary) {
  // Its promise waits for servers that listen; there are none here.
  void new Master({ workers: Number(process.env.BENCH_WORKERS) }).startServer();
} else {
  await takeOrders({
    broadcast: (data) => messenger.broadcast('bench.broadcast', data),
    consume: (data) => messenger.consume('bench.consume', data),
    map: (data) => messenger.map('bench.map', data),
    listen: (handlers) => {
      for (const [call, handler] of Object.entries(handlers)) messenger.on(`bench.${call}`, handler);
    },
  });
}
