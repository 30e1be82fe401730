import type { Connection } from './connection.js';
import type { CallInfo } from './outcome.js';
/** Publishes now, or once the bus is open. */
export declare function publish(connection: Connection, call: CallInfo, payload: Uint8Array): Promise<void>;
