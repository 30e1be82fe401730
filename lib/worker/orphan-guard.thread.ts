import { workerData } from 'node:worker_threads';

const { parent, grace, interval } = workerData as { parent: number; grace: number; interval: number };

const poll = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(poll);
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), grace);
}, interval);
