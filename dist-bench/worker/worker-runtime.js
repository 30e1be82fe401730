import cluster from 'node:cluster';
import net from 'node:net';
import { inspect } from 'node:util';
import { HttpAdapterHost } from '@nestjs/core';
import { Logger } from '@nestjs/common';
import { Subject } from 'rxjs';
import { LocalBus, SocketLink, maxFrameOf } from '../bus/index.js';
import { LOG_CONTEXT, RUNTIME } from '../cluster.constants.js';
import { Dispatcher } from '../messenger/dispatcher.js';
import { elapsed } from '../platform/clock.js';
import { processEvents } from '../platform/process-events.js';
import { errorReport } from '../protocol/error-report.js';
import { ControlChannel } from './control-channel.js';
import { drain } from './drain.js';
import { Heartbeat } from './heartbeat.js';
import { LeaderLease } from './leader-lease.js';
import { watchApplications } from './nest-application.js';
import { guardAgainstOrphanhood } from './orphan-guard.js';
import { ServerRegistry } from './server-registry.js';
/** After an uncaught error, what is in flight may take this long (ms); the primary waits as long. */
const FAILING_TIMEOUT = 5_000;
/** Once the primary is gone, what is in flight may take this long (ms). */
const ORPHAN_TIMEOUT = 3_000;
/** Whatever it does, a worker is ended this long (ms) after its primary. */
const ORPHAN_LIMIT = 4_000;
/** Time left for the application's shutdown hooks once a drain is hurried, in ms. */
const HURRIED_CLOSE_TIMEOUT = 1_000;
/** Exit code of a worker that left without having finished. */
const EXIT_UNFINISHED = 1;
/** Exit code of a configuration error (EX_CONFIG in sysexits.h). */
const EXIT_CONFIG = 78;
/** A worker's own side: says when it is ready and that it lives, and leaves without losing anything. */
export class WorkerRuntime {
    clock;
    role = 'worker';
    slot;
    generation;
    slots;
    bus;
    /** The user's say in what an uncaught error means; known once the options are. */
    verdicts = {};
    settings;
    logger = new Logger(LOG_CONTEXT);
    control = new ControlChannel();
    servers = new ServerRegistry();
    progress = new Subject();
    lease;
    app;
    ready = false;
    leaving;
    barrierPassed;
    hurry = () => { };
    constructor(mark, clock) {
        this.clock = clock;
        this.slot = mark.slot;
        this.generation = mark.generation;
        this.slots = mark.slots;
        this.settings = mark.settings;
        const { leaseDuration, maxPayload, queueLimit } = mark.settings;
        this.lease = new LeaderLease(leaseDuration);
        const link = new SocketLink(new net.Socket({ fd: mark.busFd, readable: true, writable: true }), maxFrameOf(maxPayload));
        this.bus = new LocalBus(link, { id: mark.id, address: mark.slot, generation: mark.generation }, { maxPayload, queueLimit });
    }
    /** Takes its place in the process; before the application is constructed. */
    start() {
        this.servers.install();
        watchApplications((app) => void this.applicationUp(app));
        this.control.messages.subscribe((message) => this.obey(message));
        this.listenToProcess();
        guardAgainstOrphanhood(ORPHAN_LIMIT);
        new Heartbeat(this.clock, this.settings.heartbeatInterval, () => this.load(), (seq, vitals) => {
            this.lease.beat(seq, this.clock.now());
            this.control.send({ type: 'heartbeat', seq, vitals });
        }).start();
    }
    get isLeader() {
        return this.lease.term(this.clock.now()) !== undefined;
    }
    get reloadProgress() {
        return this.progress;
    }
    reload() {
        return this.control.request('reload');
    }
    async scale(workers) {
        await this.control.request('scale', workers);
    }
    bootstrapped() {
        // Other modules' hooks may still run: readiness waits for the application's own word.
    }
    refused(error) {
        this.control.send({ type: 'boot-failed', error: errorReport(error), fatal: true });
        // Nest ends the process of a failed boot itself; this is the code it should end with.
        processEvents.onExit(() => (process.exitCode = EXIT_CONFIG));
    }
    async closed() {
        await this.bus.close();
    }
    load() {
        return { requests: this.servers.requests, inFlight: this.servers.inFlight + (this.dispatcher?.inFlight ?? 0) };
    }
    get dispatcher() {
        return this.app?.get(Dispatcher, { strict: false });
    }
    /** Ready is: every bootstrap hook ran, and every server that is to listen does. */
    async applicationUp(app) {
        if (this.app || !isOurs(app))
            return;
        this.app = app;
        const { httpAdapter } = app.get(HttpAdapterHost, { strict: false });
        const server = httpAdapter?.getHttpServer();
        // A microservice starts to listen right after its hooks, in the same turn.
        await new Promise((resolve) => setImmediate(resolve));
        await this.servers.listening(server);
        if (this.leaving)
            return;
        this.ready = true;
        this.control.send({ type: 'ready' });
    }
    obey(message) {
        switch (message.type) {
            case 'drain':
                return void this.leave(message.timeout, 0);
            case 'barrier':
                return this.barrierPassed?.();
            case 'lease':
                this.slots = message.slots;
                if (!this.leaving)
                    this.lease.answered(message.seq, message.term);
                return;
            case 'reload-progress':
                return this.progress.next(message.progress);
            case 'answer':
                return;
        }
    }
    listenToProcess() {
        // Only the primary's word counts in a worker: Ctrl-C reaches the whole process group.
        processEvents.onSignal('SIGINT', () => { });
        for (const signal of [...this.settings.reloadSignals, 'SIGTTIN', 'SIGTTOU'])
            processEvents.onSignal(signal, () => { });
        processEvents.onSignal('SIGTERM', () => {
            if (this.leaving)
                this.hurry();
            else
                this.control.send({ type: 'retire', reason: 'SIGTERM' });
        });
        processEvents.onUncaughtException((error) => this.failed(error, this.verdicts.onUncaughtException));
        processEvents.onUnhandledRejection((reason) => this.failed(reason, this.verdicts.onUnhandledRejection));
        // Otherwise node:cluster ends a worker whose channel closed with code 0, and what is in flight with it.
        cluster.worker.exitedAfterDisconnect = true;
        processEvents.onDisconnect(() => {
            if (this.leaving)
                return this.hurry();
            this.logger.warn('The primary is gone; this worker finishes what is in flight and leaves');
            void this.leave(ORPHAN_TIMEOUT, EXIT_UNFINISHED);
        });
    }
    /** An uncaught error: its state can no longer be trusted, so the worker asks for its replacement. */
    failed(error, decide) {
        try {
            if (decide?.(error) === false)
                return;
        }
        catch (thrown) {
            this.logger.error('onUncaughtException or onUnhandledRejection threw itself', thrown?.stack);
        }
        // The process's last words: straight to stderr, past any logger that buffers.
        process.stderr.write(`${inspect(error)}\n`);
        if (!this.ready) {
            this.control.send({ type: 'boot-failed', error: errorReport(error), fatal: false });
            process.exit(EXIT_UNFINISHED);
        }
        this.control.send({ type: 'failing', error: errorReport(error) });
        void this.leave(FAILING_TIMEOUT, EXIT_UNFINISHED);
    }
    leave(timeout, code) {
        this.leaving ??= this.drainAndExit(timeout, code);
        return this.leaving;
    }
    async drainAndExit(timeout, code) {
        this.lease.resign();
        const hurry = new Promise((resolve) => (this.hurry = resolve));
        const orphaned = !process.connected;
        if (code !== 0)
            this.clock.after(timeout, this.hurry);
        const outcome = await drain({
            servers: this.servers,
            handlersDone: async () => {
                if (!orphaned)
                    await this.bus.fenced;
                await this.dispatcher?.idle();
            },
            closeApp: () => this.closeApp(hurry),
            barrier: () => this.barrier(),
        }, this.clock, hurry);
        process.exit(outcome === 'drained' ? code : EXIT_UNFINISHED);
    }
    async closeApp(hurry) {
        const closing = Promise.resolve(this.app?.close()).catch((error) => {
            this.logger.error('A shutdown hook of the application failed', error instanceof Error ? error.stack : String(error));
        });
        await Promise.race([closing, hurry.then(() => elapsed(this.clock, HURRIED_CLOSE_TIMEOUT))]);
    }
    /** What was sent before must have arrived: `process.send` followed by exit truncates (nodejs/node#36268). */
    async barrier() {
        await this.bus.close();
        const passed = new Promise((resolve) => (this.barrierPassed = resolve));
        if (this.control.send({ type: 'barrier' }))
            await passed;
    }
}
function isOurs(app) {
    try {
        return app.get(RUNTIME, { strict: false }) !== undefined;
    }
    catch {
        // Another application of this process, without the module.
        return false;
    }
}
/** Whether another primary forked this process, such as PM2's: it cannot fork workers of its own. */
export function isForeignWorker() {
    return cluster.isWorker;
}
//# sourceMappingURL=worker-runtime.js.map