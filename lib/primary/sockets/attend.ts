import { Socket } from 'node:net';
import type { AcceptedConnection } from './accepted-connection.js';

/** How much is read from a waiting connection at most, in bytes. It is Node's own limit for the header of a request. */
const MAX_READ = 16_384;

/**
 * Watches a connection that waits, and calls `left` if its client leaves. Call the returned function to stop watching.
 */
export type Attend = (accepted: AcceptedConnection, left: () => void) => () => void;

/**
 * Reads from a connection that waits for a worker, because only a reader notices that the client is gone. The bytes
 * that were read are passed on with the connection. A client that closes its side has left if it has sent nothing; a
 * client that has sent something may still wait for its answer.
 */
export const attend: Attend = (accepted, left) => {
  const { handle: connection } = accepted;
  const socket = new Socket({ handle: connection, readable: true, writable: true, allowHalfOpen: true } as object);
  let read = Buffer.from(accepted.head ?? '', 'base64');
  const pause = (): void => {
    socket.pause();
    connection.readStop?.();
  };
  const onData = (chunk: Buffer): void => {
    read = Buffer.concat([read, chunk]);
    if (read.length >= MAX_READ) pause();
  };
  const onEnd = (): void => {
    if (read.length === 0) left();
  };
  socket.on('data', onData).on('end', onEnd).on('error', left);
  return () => {
    socket.off('data', onData).off('end', onEnd).off('error', left);
    pause();
    if (read.length > 0) accepted.head = read.toString('base64');
  };
};
