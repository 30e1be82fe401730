import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type AcceptedHandle, bind, type BoundSocket } from '../../../../lib/primary/sockets/bind.js';
import { type Choice, Handoffs } from '../../../../lib/primary/sockets/handoffs.js';
import type { AcceptedConnection } from '../../../../lib/primary/sockets/accepted-connection.js';
import { ManualClock } from '../../manual-clock.js';

const KEY = '127.0.0.1:0';

let server: BoundSocket;
let port: number;
let choice: Choice;
let handed: (string | undefined)[];
let accepted: AcceptedHandle[];
let handOvers: Handoffs<AcceptedConnection>;
const clients: net.Socket[] = [];

/** A connection that waits: the clock stands still. */
async function client(): Promise<net.Socket> {
  const before = accepted.length;
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  clients.push(socket);
  await once(socket, 'connect');
  while (accepted.length === before) await new Promise((resolve) => setImmediate(resolve));
  return socket.resume();
}

/** Resolves when the connection's end here was closed. */
const closed = (connection: AcceptedHandle) =>
  new Promise<void>((resolve) => {
    const close: (...args: unknown[]) => void = connection.close.bind(connection);
    connection.close = (...args: unknown[]) => {
      close(...args);
      resolve();
    };
  });

/** Resolves when what came before was read: a client that comes later leaves, and is let go. */
async function readSoFar(): Promise<void> {
  const later = await client();
  const gone = closed(accepted.at(-1)!);
  later.end();
  await gone;
}

const text = (head: string | undefined) => Buffer.from(head ?? '', 'base64').toString();

beforeEach(() => {
  choice = 'later';
  handed = [];
  accepted = [];
  handOvers = new Handoffs(
    (_, { head }) => {
      handed.push(head);
      return 0;
    },
    () => choice,
    new ManualClock(),
  );
  const bound = bind({ host: '127.0.0.1', port: 0, family: 4, flags: 0 });
  if (typeof bound === 'number') throw new Error(`bind: ${bound}`);
  server = bound.socket;
  server.onconnection = (_, connection) => {
    accepted.push(connection!);
    handOvers.offer({ key: KEY, handle: connection! });
  };
  server.listen(10);
  port = (bound.name as { port: number }).port;
});

afterEach(() => {
  for (const socket of clients.splice(0)) socket.destroy();
  for (const connection of accepted) connection.close();
  server.close();
});

it('a client that leaves while it waits, by its end or by a reset, is let go and handed to nobody', async () => {
  const leaving = [await client(), await client()];
  const gone = accepted.map(closed);
  leaving[0]!.end();
  leaving[1]!.resetAndDestroy();
  await Promise.all(gone);
  choice = 1;
  handOvers.retry();
  expect(handed).toEqual([]);
});

it('one that has sent its request, and then closes its side, gets its answer: all it sent goes with it', async () => {
  const asking = await client();
  const [connection] = accepted;
  asking.write('GET / HTTP/1.1\r\n');
  asking.end('Host: x\r\n\r\n');
  await new Promise((resolve) => asking.once('finish', resolve));
  await readSoFar();
  choice = 1;
  handOvers.retry();
  expect(handed.map(text)).toEqual(['GET / HTTP/1.1\r\nHost: x\r\n\r\n']);
  expect(connection!.readStop!()).toBe(0);
});

it('what a client sends without end is read up to 16 KiB, and the rest by its worker', async () => {
  const sending = await client();
  const whole = 'x'.repeat(4_000_000);
  let isWritten = false;
  sending.write(whole, () => (isWritten = true));
  await readSoFar();
  choice = 1;
  handOvers.retry();
  expect(text(handed[0]).length).toBeGreaterThanOrEqual(16_384);
  // A read gives 64 KiB at most.
  expect(text(handed[0]).length).toBeLessThanOrEqual(16_384 + 65_536);
  expect(isWritten).toBe(false);
});
