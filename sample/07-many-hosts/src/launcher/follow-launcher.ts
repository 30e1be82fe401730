/** Loaded into each host before the app: a primary whose launcher is gone, by kill -9 too, stops gracefully. */
import cluster from 'node:cluster';

if (cluster.isPrimary) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
