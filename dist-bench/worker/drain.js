import { elapsed } from '../platform/clock.js';
/** How long clients that just connected may take to send their request, in ms (facts: 250 lost none). */
export const LINGER = 250;
/** How often idle connections are looked for afterwards, in ms. */
export const SWEEP_INTERVAL = 50;
/** Connections on which nothing happens for this long (ms) once no request is in flight are closed by us. */
export const SILENCE_LIMIT = 2_000;
/**
 * Leaves without losing a request: stop accepting, let what is in flight end, close the application,
 * then make sure nothing of it is still on its way. Ends early when `hurry` resolves.
 */
export async function drain(subject, clock, hurry) {
    const { servers } = subject;
    let hurried = false;
    void hurry.then(() => (hurried = true));
    servers.stopListening();
    await Promise.race([connectionsDone(), hurry]);
    await Promise.race([subject.handlersDone(), hurry]);
    await subject.closeApp();
    await Promise.race([subject.barrier(), hurry]);
    return hurried ? 'hurried' : 'drained';
    async function connectionsDone() {
        await elapsed(clock, LINGER);
        void servers.farewell(clock);
        let busyAt = clock.now();
        while (!hurried) {
            servers.closeIdle();
            if (servers.inFlight > 0)
                busyAt = clock.now();
            else if ((await servers.connections()) === 0)
                return;
            // Opened ahead of need and never used: no request of theirs can be lost.
            else if (clock.now() - busyAt >= SILENCE_LIMIT)
                return servers.closeAll();
            await elapsed(clock, SWEEP_INTERVAL);
        }
    }
}
//# sourceMappingURL=drain.js.map