import cluster from 'node:cluster';

// The loop of Node's documentation; the primary loads nothing else.
if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.BENCH_WORKERS); i++) cluster.fork();
  cluster.on('exit', () => cluster.fork());
} else {
  const { serve } = await import('../app.js');
  await serve();
}
