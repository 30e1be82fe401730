import { Deadline } from './deadline.js';
import { timedOut } from './outcome.js';
/** Publishes now, or once the bus is open. */
export async function publish(connection, call, payload) {
    const { bus } = connection;
    if (connection.isOpen)
        return bus.publish(call.event, payload);
    // The deadline is for the bus to open: once the bus has the message, it cannot be taken back.
    const sent = await connection.call(call.label, new Deadline(call.timeout), () => Promise.resolve({ taken: bus.publish(call.event, payload) }), () => timedOut(call, 'this process did not get a connection to the cluster'));
    return sent.taken;
}
//# sourceMappingURL=broadcast.js.map