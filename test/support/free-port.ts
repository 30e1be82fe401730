import { once } from 'node:events';
import { createServer } from 'node:net';

/** First port that is given, and how many each of jest's workers has: below those that the kernel gives out by itself. */
const FIRST = 10_000;
const EACH = 4_000;

const from = FIRST + EACH * (Number(process.env['JEST_WORKER_ID'] ?? 1) - 1);
/** Begins anywhere, for every test file begins anew: a port is not soon given again. */
let next = Math.floor(Math.random() * EACH);

/** A TCP port nobody listens on, and that nobody else is given meanwhile. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < EACH; tries++) {
    const port = from + (next++ % EACH);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${from} to ${from + EACH - 1}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
