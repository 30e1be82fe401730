import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { describe } from '@jest/globals';
import type { BrokerServer } from './broker-server.js';
import { NatsServer } from './nats-server.js';
import { RedisServer } from './redis-server.js';

/** A kind of broker, as the tests of hosts need it. */
export interface Broker {
  /** As the engine calls it. */
  readonly name: string;
  readonly isInstalled: boolean;
  /** Starts one that keeps what it has over its death. @param args in place of those that make it so */
  start(args?: readonly string[]): Promise<BrokerServer>;
  /** What tells the fixture app to use it. */
  env(server: BrokerServer): Record<string, string>;
  /** Arguments by which a server refuses all who were welcome before. */
  readonly strange: readonly string[];
  /** How an app is refused at a server that was started with these arguments. */
  readonly refusals: readonly { readonly why: string; readonly args: readonly string[]; readonly message: RegExp }[];
}

/** Whether there is such a server on this machine. */
const isThere = (server: string): boolean => spawnSync(server, ['--version']).status === 0;

export const NATS: Broker = {
  name: 'NATS',
  isInstalled: isThere('nats-server'),
  start: (args) => NatsServer.start(args),
  env: ({ url }) => ({ NATS_URL: url }),
  strange: ['-js', '--user', 'u', '--pass', 'p'],
  refusals: [
    { why: 'JetStream is off', args: [], message: /JetStream is not enabled.*nats-server with -js/ },
    {
      why: 'the credentials are wrong',
      args: ['-js', '--user', 'u', '--pass', 'p'],
      message: /NATS at .* refuses the connection.*Check servers, user/,
    },
  ],
};

export const REDIS: Broker = {
  name: 'Redis',
  isInstalled: isThere('redis-server'),
  start: (args) => RedisServer.start(args),
  env: ({ url }) => ({ REDIS_URL: url }),
  strange: ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--requirepass', 'p'],
  refusals: [
    {
      why: 'the credentials are wrong',
      args: ['--requirepass', 'p'],
      message: /Redis at .* refuses the connection.*Check url, username/,
    },
  ],
};

/** describe() where the broker is installed; elsewhere the tests are skipped, and it is said loudly. */
export function describeOver({ name, isInstalled }: Broker): typeof describe {
  const server = `${name.toLowerCase()}-server`;
  const why = `${server} is not installed: nothing is tested over ${name}. Install it: apt-get install ${server}`;
  return describeUnless(isInstalled ? undefined : why);
}

/** describe(), or where there is a reason to skip its tests, describe.skip(), and the reason is said loudly. */
export function describeUnless(why: string | undefined): typeof describe {
  if (why === undefined) return describe;
  // jest prints no console of a file whose tests are all skipped.
  writeSync(2, `${why}\n`);
  return describe.skip as typeof describe;
}
