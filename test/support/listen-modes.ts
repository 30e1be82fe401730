import { execFileSync } from 'node:child_process';
import { NODE } from './environment.js';

/** Two sockets on one port, or an error. */
const SHARE_A_PORT = `
  const net = require('node:net');
  const first = net.createServer().listen({ port: 0, host: '127.0.0.1', reusePort: true }, () => {
    const second = net.createServer();
    second.on('error', () => console.log('no') ?? process.exit());
    second.listen({ port: first.address().port, host: '127.0.0.1', reusePort: true }, () => console.log('yes') ?? process.exit());
  });
  first.on('error', () => console.log('no') ?? process.exit());`;

/** Whether the node under test, on this machine, lets several sockets listen on one port. */
export const CAN_REUSE_PORT = execFileSync(NODE, ['-e', SHARE_A_PORT], { encoding: 'utf8' }).trim() === 'yes';

/** Every listen mode that the node under test has here, or those named in the variable, with commas. */
export const LISTEN_MODES: readonly string[] = process.env['LISTEN_UNDER_TEST']?.split(',') ?? [
  ...(CAN_REUSE_PORT ? ['reuse-port'] : []),
  'round-robin',
  'shared',
  'sticky',
];
