import cluster from 'node:cluster';
import { randomUUID } from 'node:crypto';
import { SocketLink, maxFrameOf } from '../bus/index.js';
import { LINEAGE, markWorker } from '../platform/environment.js';
import { processesMarked } from '../platform/lineage.js';
import { forkSettings } from './fork-settings.js';
import { guardHandOffs } from './handoff-guard.js';
import { WorkerProcess } from './worker-process.js';
/** A dead worker's bus may hold unread bytes for this long (ms) before it is cut. */
const BUS_LINGER = 1_000;
/** How many dead workers' pids and last words are remembered. */
const OBITUARIES = 64;
/** The worker processes there are, and a number of those there were. */
export class WorkerProcesses {
    options;
    hub;
    clock;
    byId = new Map();
    byClusterId = new Map();
    settings;
    lineage = randomUUID();
    constructor(options, hub, clock) {
        this.options = options;
        this.hub = hub;
        this.clock = clock;
        this.settings = forkSettings(options.fork);
    }
    /** Makes node:cluster fork as the options say. */
    setUp() {
        cluster.setupPrimary(this.settings.settings);
    }
    /** Forks a worker and seats it on the bus. One without a pid could not be started; its 'error' says why. */
    fork(id, slot, generation, slots) {
        const { fork, messenger } = this.options;
        const mark = { id, slot, generation, slots, busFd: this.settings.busFd, settings: this.workerSettings() };
        const worker = cluster.fork({ ...fork.env, ...markWorker(mark, this.lineageOf(id)) });
        guardHandOffs(worker);
        const known = new WorkerProcess(id, slot, worker, !fork.silent);
        this.byId.set(id, known);
        this.byClusterId.set(worker.id, known);
        this.forgetTheLongDead();
        const socket = worker.process.stdio[this.settings.busFd];
        if (socket && known.pid !== 0) {
            const link = new SocketLink(socket, maxFrameOf(messenger.maxPayload), 'turn');
            this.hub.attach({ id, slot, generation, pid: known.pid }, link);
        }
        return known;
    }
    get(id) {
        return id === undefined ? undefined : this.byId.get(id);
    }
    /** The worker that node:cluster means. */
    of(worker) {
        return this.byClusterId.get(worker.id);
    }
    /** The process is gone: what it left behind goes too, unless it left in good order. */
    buried(known, inGoodOrder) {
        known.alive = false;
        // What it wrote last may still be on its way through the bus; its end is what tells the others.
        this.clock.after(BUS_LINGER, () => this.hub.detach(known.id), false);
        if (!inGoodOrder)
            void this.endChildrenOf(known.id);
    }
    async endChildrenOf(id) {
        for (const pid of await processesMarked(LINEAGE, this.lineageOf(id))) {
            try {
                process.kill(pid, 'SIGKILL');
            }
            catch {
                // It ended by itself meanwhile.
            }
        }
    }
    lineageOf(id) {
        return `${this.lineage}/${id}`;
    }
    workerSettings() {
        const { watchdog, messenger, reload } = this.options;
        return {
            heartbeatInterval: watchdog.interval,
            leaseDuration: watchdog.suspectAfter,
            maxPayload: messenger.maxPayload,
            queueLimit: messenger.queueLimit,
            reloadSignals: reload.signals,
        };
    }
    forgetTheLongDead() {
        const dead = [...this.byId.values()].filter(({ alive }) => !alive);
        for (const { id, worker } of dead.slice(0, Math.max(0, dead.length - OBITUARIES))) {
            this.byId.delete(id);
            this.byClusterId.delete(worker.id);
        }
    }
}
//# sourceMappingURL=worker-processes.js.map