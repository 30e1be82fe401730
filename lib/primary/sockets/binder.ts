import type { ListenAnswer, ListenRequest } from '../../protocol/listening.js';
import type { SupervisorState } from '../supervisor/supervisor.types.js';

/**
 * When the whole cluster stops, how long the clients that are already in the kernel's queues are still accepted, in ms.
 * This is longer than for a single worker that leaves, because connections that are still in the queues afterwards are
 * reset.
 */
export const LAST_BACKLOG_TIMEOUT = 1_000;

/** Holds the sockets on which the workers' servers listen, and decides which worker gets which connection. */
export interface Binder {
  /** A server of the worker should listen. */
  listen(worker: number, slot: number, request: ListenRequest): ListenAnswer;
  /** The worker's server does not listen any more. */
  unlisten(worker: number, key: string): void;
  /** The worker has closed its copy of the slot's socket, as requested. */
  released(worker: number, key: string, slot: number): void;
  /** A worker has answered whether it accepted the connection that it was sent as `seq`. */
  handoffAck(seq: number, accepted: boolean): void;
  /** The worker has read the answer to the heartbeat `answered`. */
  read(worker: number, answered: number): void;
  /** The worker is gone, and its last message was handled. */
  gone(worker: number): void;
  /** The state of the workers may have changed. */
  update(state: Readonly<SupervisorState>): void;
  /** Accepts no new client; resolves when the workers have the connections that were accepted. */
  close(): Promise<void>;
}
