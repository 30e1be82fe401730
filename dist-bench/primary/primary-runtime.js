import cluster from 'node:cluster';
import { Logger } from '@nestjs/common';
import { Subject } from 'rxjs';
import { PRIMARY_ID } from '../bus/bus.interface.js';
import { Hub, LocalBus, memoryLinkPair } from '../bus/index.js';
import { LOG_CONTEXT } from '../cluster.constants.js';
import { ClusterRequestError, ReloadError } from '../errors/index.js';
import { MAX_WORKERS } from '../options/limits.js';
import { errorReport } from '../protocol/error-report.js';
import { fromWorker } from '../protocol/messages.js';
import { Supervisor } from './supervisor.js';
import { WorkerProcesses } from './worker-processes.js';
/** What ThinkJS workers send to ask for a reload. */
const THINK_CLUSTER_RELOAD = 'think-cluster-reload-workers';
/** Carries out what the supervisor decides: forks, kills, tells the workers and the bus. */
export class PrimaryRuntime {
    options;
    clock;
    role = 'primary';
    slot = -1;
    bus;
    /** Resolves to the exit code once the last worker is gone and the cluster has stopped. */
    stopped;
    logger = new Logger(LOG_CONTEXT);
    supervisor;
    hub;
    processes;
    progress = new Subject();
    reloadWaiters = [];
    scaleWaiters = [];
    queue = [];
    handling = false;
    timer;
    workerEvents;
    finish = () => { };
    constructor(options, workers, clock) {
        this.options = options;
        this.clock = clock;
        this.supervisor = new Supervisor({ ...options, workers }, Math.random);
        const { maxPayload, queueLimit } = options.messenger;
        this.hub = new Hub({ queueLimit, warn: (message) => this.logger.warn(message) });
        this.processes = new WorkerProcesses(options, this.hub, clock);
        const [ours, hubs] = memoryLinkPair();
        this.hub.attachPrimary(hubs);
        this.bus = new LocalBus(ours, { id: PRIMARY_ID, address: 'primary', generation: 0 }, { maxPayload, queueLimit });
        this.stopped = new Promise((resolve) => (this.finish = resolve));
    }
    get generation() {
        return this.supervisor.state.generation;
    }
    get slots() {
        return this.supervisor.state.target;
    }
    get isLeader() {
        return false;
    }
    get reloadProgress() {
        return this.progress;
    }
    /** Begins to supervise. The primary module is up, so it hears of every event from 'setup' on. */
    start(workerEvents) {
        this.workerEvents = workerEvents;
        if (this.options.listen === 'round-robin')
            cluster.schedulingPolicy = cluster.SCHED_RR;
        if (this.options.listen === 'shared')
            cluster.schedulingPolicy = cluster.SCHED_NONE;
        this.listenToCluster();
        this.processes.setUp();
        this.dispatch({ type: 'start' });
    }
    /** Ends the cluster: gracefully the first time, at once the second. */
    stop(signalNumber) {
        const { phase } = this.supervisor.state;
        if (phase === 'running' || phase === 'idle')
            this.dispatch({ type: 'stop', code: 0 });
        else
            this.dispatch({ type: 'stop-now', code: 128 + signalNumber });
    }
    /** Ends the cluster gracefully because the primary itself failed. */
    fail() {
        this.dispatch({ type: 'stop', code: 1 });
    }
    reload() {
        return new Promise((resolve, reject) => this.requestReload(undefined, { resolve, reject }));
    }
    scale(workers) {
        return new Promise((resolve, reject) => this.requestScale(workers, { resolve, reject }));
    }
    bootstrapped() {
        // The primary's own context being up decides nothing; start() follows.
    }
    refused() {
        // Whoever boots the primary's context handles its failure.
    }
    async closed() {
        await this.bus.close();
        this.hub.close();
    }
    // ---- requests -------------------------------------------------------------------------------------
    requestReload(requester, waiter) {
        this.reloadWaiters.push(waiter);
        this.dispatch(requester === undefined ? { type: 'reload' } : { type: 'reload', requester });
    }
    requestScale(workers, waiter) {
        if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) {
            return waiter.reject(new ClusterRequestError(`scale(${String(workers)}): expected a whole number from 1 to ${MAX_WORKERS}.`));
        }
        if (this.supervisor.state.phase !== 'running') {
            return waiter.reject(new ClusterRequestError(`scale(${workers}): the cluster is stopping.`));
        }
        this.scaleWaiters.push(waiter);
        this.dispatch({ type: 'scale', workers });
    }
    // ---- events -----------------------------------------------------------------------------------------
    listenToCluster() {
        const emit = (event) => {
            cluster.on(event, (...args) => this.workerEvents?.emit(event, ...args));
        };
        cluster.on('online', (worker) => this.about(worker, (id) => ({ type: 'online', id })));
        cluster.on('disconnect', (worker) => this.about(worker, (id) => ({ type: 'disconnected', id })));
        cluster.on('message', (worker, message, handle) => this.heard(worker, message, handle));
        cluster.on('exit', (worker, code, signal) => this.ended(worker, code, signal));
        for (const event of ['fork', 'online', 'listening', 'disconnect', 'exit', 'setup'])
            emit(event);
    }
    about(worker, event) {
        const known = this.processes.of(worker);
        if (known)
            this.dispatch(event(known.id));
    }
    ended(worker, code, signal) {
        const known = this.processes.of(worker);
        if (!known)
            return;
        this.processes.buried(known, code === 0);
        this.dispatch({ type: 'exited', id: known.id, code, signal });
    }
    heard(worker, raw, handle) {
        const sender = this.processes.of(worker);
        const message = fromWorker(raw);
        if (!sender || !message) {
            if (sender && raw === THINK_CLUSTER_RELOAD) {
                this.requestReload(sender.slot, { resolve: () => { }, reject: (error) => this.logger.error(error.message) });
            }
            else if (!isSealed(raw))
                this.workerEvents?.emit('message', worker, raw, handle);
            return;
        }
        switch (message.type) {
            case 'barrier':
                return sender.send({ type: 'barrier' });
            case 'reload':
                return this.requestReload(sender.slot, answerTo(sender, message.request));
            case 'scale':
                return this.requestScale(message.workers, answerTo(sender, message.request));
            default:
                return this.dispatch({ ...message, id: sender.id });
        }
    }
    /** Lets the supervisor decide and carries it out; events that come up meanwhile wait their turn. */
    dispatch(event) {
        this.queue.push(event);
        if (this.handling)
            return;
        this.handling = true;
        try {
            for (let next = this.queue.shift(); next; next = this.queue.shift()) {
                for (const action of this.supervisor.handle(next, this.clock.now()))
                    this.perform(action);
            }
        }
        finally {
            this.handling = false;
        }
        this.rearm();
    }
    rearm() {
        this.timer?.cancel();
        const at = this.supervisor.wakeAt;
        this.supervisor.expectWake(at);
        this.timer =
            at === Infinity ? undefined : this.clock.after(at - this.clock.now(), () => this.dispatch({ type: 'tick' }));
    }
    // ---- actions ----------------------------------------------------------------------------------------
    perform(action) {
        switch (action.type) {
            case 'fork':
                return this.fork(action.id, action.slot, action.generation);
            case 'joined':
                return this.hub.ready(action.id);
            case 'suspected':
                return this.hub.suspect(action.id, action.suspect);
            case 'isolate':
                return this.hub.suspect(action.id, true);
            case 'drain':
                this.hub.leaving(action.id);
                return this.tell(action.id, { type: 'drain', timeout: action.timeout, reason: action.reason });
            case 'kill':
                return this.processes.get(action.id)?.kill(action.signal);
            case 'lease':
                return this.tell(action.id, { type: 'lease', seq: action.seq, term: action.term, slots: this.slots });
            case 'reload-progress':
                return this.announce(action.progress);
            case 'reload-done':
                return this.reloaded(action);
            case 'reload-failed':
                return void this.reloadFailed(action.reason, action.worker);
            case 'reload-refused':
                return this.settleReload((waiter) => waiter.reject(new ReloadError(`Reload refused: ${action.reason}.`)));
            case 'scaled':
                for (const waiter of this.scaleWaiters.splice(0))
                    waiter.resolve();
                return;
            case 'log':
                return this.logger[action.level](action.message);
            case 'exit':
                return void this.exit(action.code, action.worker);
        }
    }
    fork(id, slot, generation) {
        const { worker, pid } = this.processes.fork(id, slot, generation, this.slots);
        // No such file, out of memory: node:cluster then tells of no exit.
        worker.on('error', (error) => this.logger.error(`worker ${id} in slot ${slot}: ${error.message}`));
        if (pid === 0)
            this.dispatch({ type: 'exited', id, code: null, signal: null });
    }
    tell(id, message) {
        this.processes.get(id)?.send(message);
    }
    announce(progress) {
        this.progress.next(progress);
        for (const { id } of this.supervisor.state.workers.values())
            this.tell(id, { type: 'reload-progress', progress });
    }
    reloaded(done) {
        const pid = (id) => id === undefined ? undefined : this.processes.get(id)?.pid;
        const report = {
            generation: done.generation,
            duration: Math.round(done.duration),
            replaced: done.replaced.map(({ slot, oldId, newId }) => ({ slot, oldPid: pid(oldId), newPid: pid(newId) ?? 0 })),
        };
        this.logger.log(`reload to generation ${report.generation} done in ${report.duration} ms`);
        this.settleReload((waiter) => waiter.resolve(report));
    }
    async reloadFailed(reason, id) {
        const waiters = this.reloadWaiters.splice(0);
        const words = id === undefined ? '' : await this.processes.get(id)?.lastWords();
        const error = new ReloadError(`Reload failed: ${reason}. The workers that serve go on serving.${words ? ` Its last words:\n${words}` : ''}`);
        this.logger.error(error.message);
        for (const waiter of waiters)
            waiter.reject(error);
    }
    settleReload(settle) {
        for (const waiter of this.reloadWaiters.splice(0))
            settle(waiter);
    }
    async exit(code, id) {
        for (const waiter of this.scaleWaiters.splice(0))
            waiter.reject(new ClusterRequestError('The cluster is stopping.'));
        this.settleReload((waiter) => waiter.reject(new ReloadError('Reload failed: the cluster is stopping.')));
        const words = id === undefined ? '' : await this.processes.get(id)?.lastWords();
        if (code !== 0) {
            this.logger.error(`the cluster ends with code ${code}${words ? `; the last words of worker ${id}:\n${words}` : ''}`);
        }
        this.finish(code);
    }
}
/** Answers a worker's request over its control channel. */
function answerTo(sender, request) {
    return {
        resolve: (value) => sender.send({ type: 'answer', request, ok: true, value }),
        reject: (error) => sender.send({ type: 'answer', request, ok: false, error: errorReport(error) }),
    };
}
/** One of the package's own messages, but malformed: nobody else's business. */
function isSealed(raw) {
    return typeof raw === 'object' && raw !== null && 'ns' in raw && String(raw.ns).startsWith('nestjs-cluster/');
}
//# sourceMappingURL=primary-runtime.js.map