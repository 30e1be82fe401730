import type { BusConnection } from './bus-connection.js';
import { Deadline } from './deadline.js';
import { type CallInfo, timedOut } from './outcome.js';

/** Publishes now, or as soon as the bus is open. */
export function publish(connection: BusConnection, call: CallInfo, payload: Uint8Array): Promise<void> {
  return connection.isOpen ? connection.bus.publish(call.event, payload) : whenOpen(connection, call, payload);
}

async function whenOpen(connection: BusConnection, call: CallInfo, payload: Uint8Array): Promise<void> {
  // The deadline only covers the opening of the bus: once the bus has the message, it cannot be taken back.
  const sent = await connection.call<{ taken: Promise<void> }>(
    call.label,
    new Deadline(call.timeout),
    (pending) => pending.resolve({ taken: connection.bus.publish(call.event, payload) }),
    () => timedOut(call, 'this process did not get a connection to the cluster'),
  );
  return sent.taken;
}
