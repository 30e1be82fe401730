import { defaultMaxCrashes, restartDelay } from './restart-policy.js';
/** Boot failures that end the primary where no worker ever became ready. */
export const MAX_BOOT_FAILURES = 3;
/** Exit code of a configuration error (EX_CONFIG in sysexits.h): trying again is pointless. */
export const EXIT_CONFIG = 78;
/** What a crash means: when the slot tries again, whether the cluster still does, and who is told. */
export class Casualties {
    floor;
    reload;
    constructor(floor, reload) {
        this.floor = floor;
        this.reload = reload;
    }
    /** Crashes the breaker tolerates now. */
    get maxCrashes() {
        return this.floor.options.restart.maxCrashes ?? defaultMaxCrashes(this.floor.state.target);
    }
    /** A process ended that was not asked to. */
    exited(worker, code, signal, now) {
        const how = signal ? `was ended by ${signal}` : `exited with code ${code}`;
        const when = worker.readyAt === undefined
            ? 'before it was ready'
            : `${Math.round(now - worker.readyAt)} ms after it became ready`;
        if (code === EXIT_CONFIG && worker.readyAt === undefined)
            this.giveUp(worker, EXIT_CONFIG);
        this.crashed(worker, `${how} ${when}`, now);
    }
    /** Ends a worker that is beyond hope at once, and counts it as a crash. */
    discard(worker, reason, how, now) {
        this.crashed(worker, how, now);
        this.floor.kill(worker, reason);
    }
    /** The worker no longer counts for its slot: who takes its place, and when? */
    crashed(worker, how, now) {
        const { floor } = this;
        const slot = floor.slotOf(worker);
        floor.log('warn', `worker ${worker.id} in slot ${worker.slot} ${how}`);
        floor.leadership.dismiss(worker.id);
        if (!slot)
            return;
        if (slot.successor === worker.id) {
            slot.successor = undefined;
            if (slot.replace === 'reload') {
                this.reload()?.successorLost(slot, worker, how, now);
                return;
            }
        }
        else if (slot.current === worker.id)
            slot.current = undefined;
        else
            return;
        floor.state.blamed = worker.id;
        this.delayRestart(slot, worker, now);
        if (worker.readyAt !== undefined || floor.state.everReady)
            return;
        floor.state.bootFailures += 1;
        if (floor.state.bootFailures >= MAX_BOOT_FAILURES)
            this.giveUp(worker, 1);
    }
    /** No worker ever worked and none will: the cluster ends with the worker's own last words. */
    giveUp(worker, code) {
        const { state } = this.floor;
        if (state.phase !== 'running' || state.everReady)
            return;
        state.phase = 'delaying';
        state.drainAt = -Infinity;
        state.exitCode = code;
        state.blamed = worker.id;
    }
    delayRestart(slot, worker, now) {
        const { floor } = this;
        const { restart } = floor.options;
        const healthy = worker.readyAt !== undefined && now - worker.readyAt >= restart.resetAfter;
        slot.streak = healthy ? 0 : slot.streak + 1;
        slot.retryAt = now + restartDelay(restart, slot.streak, healthy, floor.random);
        if (!floor.breaker.crashed(now, worker.id, this.maxCrashes))
            return;
        floor.log('error', `crash loop: more than ${this.maxCrashes} crashes in ${restart.window} ms; one slot at a time tries again`);
        this.reload()?.fail('workers crash in a loop', worker.id, now);
    }
}
//# sourceMappingURL=casualties.js.map