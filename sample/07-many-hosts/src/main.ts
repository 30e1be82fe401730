/** Two hosts of one app, the broker between them and the load balancer in front, all on this machine. */
import { setTimeout } from 'node:timers/promises';
import { balance } from './launcher/balancer.js';
import { Broker } from './launcher/broker.js';
import { Host } from './launcher/host.js';

const PORT = Number(process.env.PORT ?? 3000);
const URL = `http://localhost:${PORT}`;

const isGiven = Boolean(process.env.NATS_URL || process.env.REDIS_URL);
const broker = isGiven ? undefined : ((await Broker.start()) ?? process.exit(1));
const hosts = [new Host('a', PORT + 1, broker), new Host('b', PORT + 2, broker)];
const balancer = await balance(
  hosts.map(({ port }) => port),
  PORT,
);

let isStopping = false;
/** A second signal is passed on as well: the hosts then stop at once. */
function stop(signal: NodeJS.Signals): void {
  isStopping = true;
  balancer.close();
  for (const host of hosts) host.kill(signal);
}
process.on('SIGINT', stop).on('SIGTERM', stop);

/** Resolves when a worker answers that knows all four. */
async function everybodyIsThere(): Promise<void> {
  for (;;) {
    const members = await fetch(`${URL}/members`).then(
      (response) => (response.ok ? (response.json() as Promise<unknown[]>) : []),
      () => [],
    );
    if (members.length === 4) return;
    await setTimeout(100);
  }
}

function invitation(): string {
  return `
2 hosts with 2 workers each are ready. Try, more than once:
  curl ${URL}/                          which worker of which host answers
  curl ${URL}/members                   the workers of both hosts
  curl -X POST ${URL}/broadcast/hello   tells every worker
  curl ${URL}/notes                     what the answering worker has heard
  curl -X POST ${URL}/consume/40        one worker computes
  curl ${URL}/map                       every worker answers, one of them leads
  curl -X POST ${URL}/once/migrate-7    runs once, on one host
  curl -X POST ${URL}/reload            the workers of one host are replaced, no request is lost
`;
}

void everybodyIsThere().then(() => console.log(invitation()));

await Promise.all(hosts.map(({ ended }) => ended));
await broker?.stop();
process.exit(isStopping ? 0 : 1);
