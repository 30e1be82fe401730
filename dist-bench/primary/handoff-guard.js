/**
 * Saves the connections that are in the hand of a dying worker. In round robin the primary hands each
 * connection over and waits for the worker's word that it took it; a worker that dies in between never
 * answers, node:cluster keeps waiting, and the client hangs (nodejs/node#3551, #21746). The guard notes
 * what was handed over and not yet acknowledged; when the worker is gone it answers "not accepted" in its
 * place, upon which node:cluster gives the connection to another worker.
 *
 * The messages are private to Node (seen the same in 20, 22, 24 and 26): anything that does not look like
 * them passes untouched, and then there is no guard and nothing else changes.
 */
export function guardHandOffs(worker) {
    const { process: child } = worker;
    const pending = new Set();
    const send = child.send.bind(child);
    child.send = ((message, ...rest) => {
        if (isHandOff(message))
            pending.add(message.seq);
        return send(message, ...rest);
    });
    child.on('internalMessage', (message) => {
        if (typeof message?.ack === 'number')
            pending.delete(message.ack);
    });
    // Only when both have come is the process dead and taken out of node:cluster's queues, whichever is first.
    let ends = 0;
    const release = () => {
        ends += 1;
        if (ends < 2)
            return;
        for (const seq of pending)
            child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false });
        pending.clear();
    };
    child.once('exit', release);
    child.once('disconnect', release);
}
function isHandOff(message) {
    const { cmd, act, seq } = (message ?? {});
    return cmd === 'NODE_CLUSTER' && act === 'newconn' && typeof seq === 'number';
}
//# sourceMappingURL=handoff-guard.js.map