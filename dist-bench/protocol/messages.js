/** Marks the package's own messages on the cluster IPC channel; all others are the user's and pass by. */
export const NAMESPACE = 'nestjs-cluster/1';
/** Puts the package's mark on a control message. */
export function seal(message) {
    return { ns: NAMESPACE, ...message };
}
const FROM_WORKER = new Set(['ready', 'heartbeat', 'failing', 'retire', 'boot-failed', 'barrier', 'reload', 'scale']);
const FROM_PRIMARY = new Set(['drain', 'barrier', 'lease', 'answer', 'reload-progress']);
/** The worker's control message in `raw`, or undefined for a foreign or malformed one. */
export function fromWorker(raw) {
    return isOwn(raw, FROM_WORKER) ? raw : undefined;
}
/** The primary's control message in `raw`, or undefined for a foreign or malformed one. */
export function fromPrimary(raw) {
    return isOwn(raw, FROM_PRIMARY) ? raw : undefined;
}
function isOwn(raw, types) {
    return (typeof raw === 'object' &&
        raw !== null &&
        raw.ns === NAMESPACE &&
        types.has(raw.type));
}
//# sourceMappingURL=messages.js.map