import { CrashLoopBreaker } from './restart-policy.js';
import { LeaderElection } from './leader-election.js';
/**
 * What the supervisor's parts stand on: the slots, the workers in them, and the few moves that change
 * either. Every effect leaves as an action; nothing is done here.
 */
export class Floor {
    options;
    random;
    state;
    breaker;
    leadership;
    actions = [];
    constructor(options, random) {
        this.options = options;
        this.random = random;
        this.state = {
            phase: 'idle',
            target: options.workers,
            generation: 1,
            slots: [],
            workers: new Map(),
            nextId: 1,
            everReady: false,
            bootFailures: 0,
            exitCode: 0,
            scalePending: false,
        };
        this.breaker = new CrashLoopBreaker(options.restart.window);
        this.leadership = new LeaderElection(options.watchdog.suspectAfter);
    }
    act(action) {
        this.actions.push(action);
    }
    log(level, message) {
        this.act({ type: 'log', level, message });
    }
    /** The actions since the last call. */
    takeActions() {
        const actions = this.actions;
        this.actions = [];
        return actions;
    }
    worker(id) {
        return id === undefined ? undefined : this.state.workers.get(id);
    }
    slotOf(worker) {
        return this.state.slots[worker.slot];
    }
    /** Whether the worker does its work: ready, heard of, and wanted. */
    isServing(id) {
        const worker = this.worker(id);
        return worker !== undefined && worker.phase === 'ready' && !worker.leaving && worker.exitDueAt === undefined;
    }
    /** Nothing serves the slot nor is about to, and something should. */
    isEmpty(slot) {
        const { phase, target } = this.state;
        return slot.index < target && slot.current === undefined && (phase === 'running' || phase === 'delaying');
    }
    /** A process is to be forked for the slot, now or at its retry time. */
    isVacant(slot) {
        if (this.isEmpty(slot))
            return true;
        return this.state.phase === 'running' && slot.replace !== undefined && slot.successor === undefined;
    }
    resize(workers) {
        this.state.target = workers;
        for (let index = this.state.slots.length; index < workers; index += 1) {
            this.state.slots.push({ index, streak: 0, retryAt: 0 });
        }
    }
    fork(slot, generation, now) {
        const id = this.state.nextId++;
        const wear = 1 - this.options.recycle.jitter * this.random();
        const at = { forkedAt: now, heardAt: now };
        this.state.workers.set(id, { id, slot: slot.index, generation, ...at, wear, phase: 'spawning' });
        this.breaker.forked(now, id);
        this.act({ type: 'fork', id, slot: slot.index, generation });
        return id;
    }
    /** Lets the slot's ready successor take its place, and drains the old worker. */
    promote(slot, now) {
        const old = this.worker(slot.current);
        const reason = slot.replace ?? 'reload';
        slot.current = slot.successor;
        slot.successor = undefined;
        slot.replace = undefined;
        slot.streak = 0;
        if (old)
            this.leave(old, reason, now);
    }
    /** Gives up the slot's successor, if it has one. */
    abandon(slot, now, reason = 'reload-failed') {
        const successor = this.worker(slot.successor);
        slot.successor = undefined;
        if (!successor)
            return;
        // One that never served has nothing in flight.
        if (successor.readyAt === undefined)
            this.kill(successor, reason);
        else
            this.leave(successor, reason, now);
    }
    /** Asks the worker to finish what is in flight and go. */
    leave(worker, reason, now, timeout = this.options.shutdown.timeout) {
        if (worker.leaving)
            return;
        worker.leaving = reason;
        worker.phase = 'draining';
        worker.termAt = now + timeout;
        worker.killAt = now + timeout + this.options.shutdown.killAfter;
        this.leadership.dismiss(worker.id);
        this.act({ type: 'drain', id: worker.id, timeout, reason });
    }
    /** Ends the worker at once. */
    kill(worker, reason) {
        worker.leaving ??= reason;
        worker.phase = 'stopping';
        this.leadership.dismiss(worker.id);
        this.act({ type: 'kill', id: worker.id, signal: 'SIGKILL' });
    }
}
//# sourceMappingURL=floor.js.map