import { connect } from 'node:net';
import { freePort } from '../shared/free-port.js';
import { launchCommand, temporaryDirectory, until } from '../shared/launcher.js';

/** A server that does not answer by then never does, in ms. */
const START_TIMEOUT = 10_000;

/**
 * How each broker is started, with what it keeps in a folder of the run, and what it says it has done so far:
 * `traffic` resolves to { in, out }, for NATS messages, for Redis commands and bytes written.
 */
export const BROKERS = {
  nats: {
    unit: ['messages in', 'messages out'],
    async start() {
      const [port, monitor] = [await freePort(), await freePort()];
      const args = ['-js', '-sd', temporaryDirectory(), '-a', '127.0.0.1', '-p', String(port), '-m', String(monitor)];
      return started(launchCommand('nats-server', args), port, `nats://127.0.0.1:${port}`, async () => {
        const stats = await (await fetch(`http://127.0.0.1:${monitor}/varz`)).json();
        return { in: stats.in_msgs, out: stats.out_msgs };
      });
    },
  },
  redis: {
    unit: ['commands', 'bytes out'],
    async start() {
      const port = await freePort();
      const args = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--dir', temporaryDirectory()];
      const launched = launchCommand('redis-server', [...args, '--bind', '127.0.0.1', '--port', String(port)]);
      return started(launched, port, `redis://127.0.0.1:${port}`, async () => {
        const info = await ask(port, 'INFO stats\r\n');
        const number = (key) => Number(new RegExp(`${key}:(\\d+)`).exec(info)[1]);
        return { in: number('total_commands_processed'), out: number('total_net_output_bytes') };
      });
    },
  },
};

async function started(launched, port, url, traffic) {
  const answers = () => ask(port, 'PING\r\n').catch(() => false);
  if (await until(answers, START_TIMEOUT)) return { pid: launched.pid, url, traffic, end: () => launched.end() };
  throw new Error(`The broker does not answer. Is it installed?\n${launched.output()}`);
}

/** Resolves to the first of what the server says. */
function ask(port, line) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(line));
    socket.once('error', reject);
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
  });
}
