import { Worker } from 'node:worker_threads';
/** How often the parent is looked for, in ms. */
const POLL_INTERVAL = 500;
/** What a thread of a few lines may take, in MB: its code, and one timer. */
const THREAD_LIMITS = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 2, stackSizeMb: 1 };
/**
 * Ends this process `grace` ms after its primary is gone, whatever the main thread does by then: a thread
 * of its own watches the parent, for an event loop that is blocked hears of nothing.
 *
 * @param grace time in ms to finish what is in flight
 */
export function guardAgainstOrphanhood(grace) {
    const thread = new Worker(new URL('./orphan-guard.thread.js', import.meta.url), {
        workerData: { parent: process.ppid, grace, interval: POLL_INTERVAL },
        // Loaders and flags of the application are none of this thread's business.
        execArgv: [],
        resourceLimits: THREAD_LIMITS,
    });
    thread.unref();
    // Without the guard a worker still leaves when it hears of its primary's end; only a blocked one would not.
    thread.on('error', (error) => process.emitWarning(`The guard against orphaned workers failed: ${error.message}`));
}
//# sourceMappingURL=orphan-guard.js.map