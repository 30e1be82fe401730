import { workerData } from 'node:worker_threads';
const { parent, grace, interval } = workerData;
const poll = setInterval(() => {
    if (process.ppid === parent)
        return;
    clearInterval(poll);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), grace);
}, interval);
//# sourceMappingURL=orphan-guard.thread.js.map