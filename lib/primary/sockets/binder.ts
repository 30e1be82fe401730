import type { ListenAnswer, ListenRequest } from '../../protocol/listening.js';
import type { SupervisorState } from '../supervisor/supervisor.types.js';

/**
 * How long the whole cluster's stop lets in clients that are already in the kernel's queues, in ms: longer than a worker
 * that leaves, for what is left there by then is reset.
 */
export const LAST_BACKLOG_TIMEOUT = 1_000;

/** Holds the sockets that workers' servers listen on, and decides which worker gets which connection. */
export interface Binder {
  /** A server of the worker is to listen. */
  listen(worker: number, slot: number, request: ListenRequest): ListenAnswer;
  /** It does not listen any more. */
  unlisten(worker: number, key: string): void;
  /** The worker has let go of a slot's socket, as it was asked to. */
  released(worker: number, key: string, slot: number): void;
  /** A worker's word about the connection that it was handed as `seq`. */
  handoffAck(seq: number, accepted: boolean): void;
  /** The worker has read the answer to that heartbeat. */
  read(worker: number, answered: number): void;
  /** The worker is gone, and its last word was heard. */
  gone(worker: number): void;
  /** The workers' lives went on. */
  update(state: Readonly<SupervisorState>): void;
  /** Lets no new client in; resolves when those who were let in are with the workers. */
  close(): Promise<void>;
}
