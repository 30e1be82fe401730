/**
 * Runs a nats-server with JetStream on a free port, in a folder that goes with it, until its own stdin ends. That
 * happens however those who hold it end, by kill -9 too. A nats-server alone would not notice.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const REMEDY = 'Install it (apt-get install nats-server), or name one that runs: NATS_URL=nats://127.0.0.1:4222';

const folder = mkdtempSync(join(tmpdir(), 'many-hosts-nats-'));
const args = ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', '-1'];
const server = spawn('nats-server', args, { stdio: ['ignore', 'ignore', 'pipe'] });
const log: string[] = [];
let listens = false;

createInterface(server.stderr).on('line', (line) => {
  if (listens) return;
  log.push(line);
  const address = /Listening for client connections on (\S+)/.exec(line)?.[1];
  if (address === undefined) return;
  listens = true;
  console.log(`nats://${address}`);
});
server.once('error', (error: NodeJS.ErrnoException) => {
  log.push(error.code === 'ENOENT' ? `nats-server is not installed. ${REMEDY}` : String(error));
});
server.once('close', () => {
  if (!listens) console.error(log.join('\n'));
  rmSync(folder, { recursive: true, force: true });
  process.exit(listens ? 0 : 1);
});

const stop = () => server.kill();
process.stdin.resume().once('end', stop);
process.on('SIGTERM', stop).on('SIGINT', stop);
