/** Between a closed control channel and the exit that explains it, in ms (3–12 seen for a killed process). */
export const DISCONNECT_GRACE = 200;
/** Holds the workers to their deadlines: to boot, to be heard, to leave. */
export class Watchdog {
    floor;
    casualties;
    expectedWake;
    constructor(floor, casualties) {
        this.floor = floor;
        this.casualties = casualties;
    }
    /** When the first deadline is due. */
    get wakeAt() {
        const { startup, watchdog } = this.floor.options;
        let at = Infinity;
        for (const worker of this.floor.state.workers.values()) {
            at = Math.min(at, worker.termAt ?? Infinity, worker.killAt ?? Infinity, worker.exitDueAt ?? Infinity);
            if (worker.leaving || worker.vitals?.inspected)
                continue;
            if (worker.readyAt === undefined)
                at = Math.min(at, worker.forkedAt + startup.timeout);
            else if (worker.phase === 'ready')
                at = Math.min(at, worker.heardAt + watchdog.suspectAfter);
            else
                at = Math.min(at, worker.heardAt + watchdog.killAfter);
        }
        return at;
    }
    /** Told when the shell set its timer, so that a late wake-up can be recognised. */
    expectWake(at) {
        this.expectedWake = at;
    }
    /**
     * A machine that was suspended, or a primary whose own loop was blocked, has heard nobody: the wait for
     * a heartbeat begins anew after an overdue wake-up.
     */
    forgiveStall(now) {
        const expected = this.expectedWake;
        this.expectedWake = undefined;
        if (expected === undefined || now - expected <= this.floor.options.watchdog.interval)
            return;
        for (const worker of this.floor.state.workers.values())
            worker.heardAt = now;
    }
    /** The worker was heard. */
    heard(worker) {
        if (worker.phase !== 'unhealthy')
            return;
        worker.phase = 'ready';
        this.floor.act({ type: 'suspected', id: worker.id, suspect: false });
        this.floor.log('log', `worker ${worker.id} in slot ${worker.slot} is heard again`);
    }
    /** Does what is due. */
    enforce(now) {
        for (const worker of this.floor.state.workers.values()) {
            if (worker.exitDueAt !== undefined && now >= worker.exitDueAt)
                this.lostChannel(worker, now);
            if (worker.leaving)
                this.escalate(worker, now);
            // Stopped at a breakpoint a worker is neither late nor dead.
            else if (worker.vitals?.inspected)
                continue;
            else if (worker.readyAt === undefined)
                this.enforceBoot(worker, now);
            else
                this.enforceHeartbeat(worker, now);
        }
    }
    enforceBoot(worker, now) {
        const { timeout } = this.floor.options.startup;
        if (now < worker.forkedAt + timeout)
            return;
        this.casualties.discard(worker, 'boot-timeout', `was not ready within ${timeout} ms (startup.timeout)`, now);
    }
    enforceHeartbeat(worker, now) {
        const { suspectAfter, killAfter } = this.floor.options.watchdog;
        if (now >= worker.heardAt + killAfter) {
            this.casualties.discard(worker, 'hang', `was silent for ${killAfter} ms (watchdog.killAfter)`, now);
        }
        else if (worker.phase === 'ready' && now >= worker.heardAt + suspectAfter) {
            worker.phase = 'unhealthy';
            this.floor.leadership.dismiss(worker.id);
            this.floor.act({ type: 'suspected', id: worker.id, suspect: true });
            this.floor.log('warn', `worker ${worker.id} in slot ${worker.slot} is silent; no new work for it until it is heard`);
        }
    }
    /** A worker past its drain deadline gets SIGTERM, then SIGKILL. */
    escalate(worker, now) {
        if (worker.termAt !== undefined && now >= worker.termAt) {
            worker.termAt = undefined;
            worker.phase = 'stopping';
            this.floor.log('warn', `worker ${worker.id} in slot ${worker.slot} did not finish in time and gets SIGTERM`);
            this.floor.act({ type: 'kill', id: worker.id, signal: 'SIGTERM' });
        }
        if (worker.killAt !== undefined && now >= worker.killAt) {
            worker.killAt = undefined;
            this.floor.log('warn', `worker ${worker.id} in slot ${worker.slot} is killed`);
            this.floor.kill(worker, 'stop');
        }
    }
    /** The control channel closed but the process lives on: it cannot be supervised any more. */
    lostChannel(worker, now) {
        worker.exitDueAt = undefined;
        if (worker.leaving)
            return;
        this.casualties.crashed(worker, 'closed its control channel', now);
        this.floor.leave(worker, 'disconnected', now);
    }
}
//# sourceMappingURL=watchdog.js.map