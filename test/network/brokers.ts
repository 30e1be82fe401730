import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, fixture, NODE } from '../support/index.js';
import { addressOf, type BrokerName, BROKERS, type Network } from './namespaces.js';

/** The brokers that can be tested: one NATS server or three, one Redis, or three with Sentinel. */
export const SETUPS = ['nats', 'nats3', 'redis', 'sentinel'] as const;
export type Setup = (typeof SETUPS)[number];

export const brokersOf = (setup: Setup): readonly BrokerName[] =>
  setup === 'nats3' || setup === 'sentinel' ? BROKERS : [BROKERS[0]];

const isNats = (setup: Setup): boolean => setup.startsWith('nats');

const USER = 'app';
const PASSWORD = 'secret';
const OTHER_PASSWORD = 'revoked';
const NATS_PORT = 4222;
const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;
const MONITOR_PORT = 8222;
/** Where the slow link listens: all connections from other machines to the broker pass through it. */
const LINK_PORT = 14_222;
/** The broker's disk, in bytes. */
const DISK = 192 * 1024 * 1024;

/** The processes on a broker's machine. */
interface Server {
  child?: ChildProcess;
  sentinel?: ChildProcess;
  link?: ChildProcess;
}

/** The servers of a setup, each on its own machine with its own disk. */
export class Brokers {
  private readonly servers = new Map<BrokerName, Server>();
  private password = PASSWORD;

  constructor(
    readonly setup: Setup,
    private readonly network: Network,
    private readonly folder: string,
  ) {}

  get names(): readonly BrokerName[] {
    return brokersOf(this.setup);
  }

  /** The engine and its options for the fixture app. */
  get engine(): { readonly name: 'nats' | 'redis'; readonly options: object } {
    const at = this.names.map((name) => addressOf(name));
    if (isNats(this.setup)) {
      const servers = at.map((address) => `nats://${address}:${NATS_PORT}`);
      const replicas = this.setup === 'nats3' ? { replicas: 3 } : {};
      return { name: 'nats', options: { servers, user: USER, pass: PASSWORD, ...replicas } };
    }
    const account = { username: USER, password: PASSWORD };
    if (this.setup === 'redis') return { name: 'redis', options: { host: at[0], port: REDIS_PORT, ...account } };
    const sentinels = at.map((host) => ({ host, port: SENTINEL_PORT }));
    return { name: 'redis', options: { sentinels, name: 'shop', ...account } };
  }

  async start(): Promise<void> {
    for (const name of this.names) {
      mkdirSync(this.disk(name), { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, `nestjs-cluster-${process.pid}`, this.disk(name)]);
      this.servers.set(name, {});
      this.configure(name);
      await this.link(name);
    }
    for (const name of this.names) await this.restart(name);
    if (this.setup !== 'sentinel') return;
    for (const name of this.names) {
      const at = this.path(name, 'sentinel.conf');
      this.servers.get(name)!.sentinel = this.spawn(name, 'sentinel', ['redis-server', at, '--sentinel']);
    }
  }

  /** Starts the server with the data it has. Resolves when it listens. */
  async restart(name: BrokerName): Promise<void> {
    const command = isNats(this.setup)
      ? ['nats-server', '-c', this.path(name, 'server.conf')]
      : ['redis-server', this.path(name, 'server.conf')];
    const server = this.servers.get(name)!;
    server.child = this.spawn(name, 'server', command);
    const port = isNats(this.setup) ? NATS_PORT : REDIS_PORT;
    let isMended = false;
    const listens = () => {
      // A full disk may have torn the end of the append-only file: Redis then refuses to start, and names the remedy.
      if (!isNats(this.setup) && server.child!.exitCode !== null && !isMended) {
        isMended = true;
        const manifest = this.path(name, 'data/appendonlydir/appendonly.aof.manifest');
        this.network.run(name, ['sh', '-c', `yes | redis-check-aof --fix ${manifest}`]);
        server.child = this.spawn(name, 'server', command);
      }
      return this.network.run(name, ['ss', '-ltnH', `sport = :${port}`]).trim() !== '';
    };
    await eventually(listens, { what: `${this.setup} to listen on ${name}` });
    // While it loads its data it listens, and may still find out that it cannot.
    if (!isNats(this.setup))
      await eventually(() => this.isLoaded(name, listens), { what: `Redis on ${name} to be loaded` });
  }

  private isLoaded(name: BrokerName, listens: () => boolean): boolean {
    return listens() && this.network.run(name, ['redis-cli', 'PING']).trim() === 'PONG';
  }

  async kill(name: BrokerName): Promise<void> {
    await end(this.servers.get(name)?.child);
  }

  freeze(name: BrokerName): void {
    this.servers.get(name)!.child!.kill('SIGSTOP');
  }

  thaw(name: BrokerName): void {
    this.servers.get(name)!.child!.kill('SIGCONT');
  }

  /**
   * Whether the servers have the same data, or have it within 30 s. Only then may one of three NATS servers be killed, or lose
   * its disk: a server that lags behind is a majority together with one that was emptied, and nats-server 2.9.10, the newest
   * in Debian 12, corrupts the log of a replica that is killed while it catches up ("stream store EOF", "last sequence
   * mismatch"). A server that has switched its JetStream off is restarted, as a liveness probe does.
   */
  async areInStep(): Promise<boolean> {
    if (this.setup !== 'nats3') return true;
    const look = async () => {
      const reports = this.names.map((name) => ({ name, ...this.jetStreamOf(name) }));
      for (const { name } of reports.filter(({ disabled }) => disabled)) {
        await this.kill(name);
        await this.restart(name);
      }
      return haveTheSame(reports);
    };
    const wait = eventually(look, { timeout: 30_000, interval: 1_000, what: 'all NATS servers to have the same data' });
    return wait.then(
      () => true,
      () => false,
    );
  }

  /** Deletes the data of a server that was killed. */
  forget(name: BrokerName): void {
    rmSync(this.path(name, 'data'), { recursive: true, force: true });
    this.configure(name);
  }

  slowDown(name: BrokerName, ms: number): void {
    this.servers.get(name)!.link!.send(ms);
  }

  /** Fills the broker's disk to the last byte. */
  fill(name: BrokerName): void {
    const file = openSync(this.path(name, 'filler'), 'w');
    const full = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOSPC';
    for (let size = 1024 * 1024; size >= 1;) {
      try {
        writeSync(file, Buffer.alloc(size));
      } catch (error) {
        if (!full(error)) throw error;
        size = Math.floor(size / 16);
      }
    }
    closeSync(file);
  }

  /**
   * Frees the disk. A NATS server that met a full disk has switched JetStream off for good, and a Redis replica has exited:
   * both are restarted.
   */
  async free(name: BrokerName): Promise<void> {
    rmSync(this.path(name, 'filler'), { force: true });
    const { child } = this.servers.get(name)!;
    if (!isNats(this.setup) && child!.exitCode === null && child!.signalCode === null) return;
    await this.kill(name);
    await this.restart(name);
  }

  /** Revokes the apps' credentials and closes their connections, or accepts the credentials again. */
  revoke(isRevoked: boolean): void {
    this.password = isRevoked ? OTHER_PASSWORD : PASSWORD;
    for (const name of this.names) {
      if (isNats(this.setup)) {
        this.configure(name);
        this.servers.get(name)!.child!.kill('SIGHUP');
        continue;
      }
      this.network.run(name, ['redis-cli', 'ACL', 'SETUSER', USER, 'resetpass', `>${this.password}`]);
      if (isRevoked) this.network.run(name, ['redis-cli', 'CLIENT', 'KILL', 'USER', USER]);
    }
  }

  async stop(): Promise<void> {
    const all = [...this.servers.values()].flatMap(({ child, sentinel, link }) => [child, sentinel, link]);
    await Promise.all(all.map((child) => end(child)));
    for (const name of this.servers.keys()) execFileSync('umount', [this.disk(name)]);
  }

  /** What a NATS server says about its JetStream. */
  private jetStreamOf(name: BrokerName): JetStreamReport {
    const url = `http://${addressOf(name)}:${MONITOR_PORT}/jsz?streams=1&consumers=1`;
    const ask = 'fetch(process.argv[1]).then((response) => response.text()).then(console.log)';
    return JSON.parse(this.network.run('switch', [NODE, '-e', ask, url])) as JetStreamReport;
  }

  private disk(name: BrokerName): string {
    return join(this.folder, `disk-${name}`);
  }

  private path(name: BrokerName, file: string): string {
    return join(this.disk(name), file);
  }

  private spawn(name: BrokerName, what: string, command: readonly string[]): ChildProcess {
    const log = openSync(join(this.folder, `${name}-${what}.log`), 'a');
    const child = this.network.spawn(name, command, { stdio: ['ignore', log, log] });
    closeSync(log);
    return child;
  }

  /** Starts the process that all bytes between this broker and other machines pass through, and that can delay them. */
  private async link(name: BrokerName): Promise<void> {
    const port = isNats(this.setup) ? NATS_PORT : REDIS_PORT;
    const command = [NODE, fixture('network/slow-link'), String(LINK_PORT), String(port)];
    const link = this.network.spawn(name, command, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.servers.get(name)!.link = link;
    await once(link, 'message');
    this.network.redirect(name, port, LINK_PORT);
  }

  private configure(name: BrokerName): void {
    mkdirSync(this.path(name, 'data'), { recursive: true });
    if (isNats(this.setup)) {
      writeFileSync(this.path(name, 'server.conf'), this.natsConfiguration(name));
      return;
    }
    writeFileSync(this.path(name, 'server.conf'), this.redisConfiguration(name));
    if (this.setup === 'sentinel') writeFileSync(this.path(name, 'sentinel.conf'), sentinelConfiguration(name));
  }

  private natsConfiguration(name: BrokerName): string {
    const routes = this.names.map((each) => `nats-route://${addressOf(each)}:6222`);
    const cluster = `cluster { name: network, listen: "0.0.0.0:6222", routes: ${JSON.stringify(routes)} }`;
    return [
      `server_name: ${name}`,
      `listen: "0.0.0.0:${NATS_PORT}"`,
      `http_port: ${MONITOR_PORT}`,
      `client_advertise: "${addressOf(name)}:${NATS_PORT}"`,
      `jetstream { store_dir: "${this.path(name, 'data')}", max_file_store: ${DISK} }`,
      `authorization { users: [ { user: ${USER}, password: ${this.password} } ] }`,
      ...(this.names.length > 1 ? [cluster] : []),
    ].join('\n');
  }

  private redisConfiguration(name: BrokerName): string {
    const group = [
      `replica-announce-ip ${addressOf(name)}`,
      // Bounds the time in which a primary that is cut off accepts writes: see docs/guides/many-hosts.md.
      'min-replicas-to-write 1',
      'min-replicas-max-lag 3',
      ...(name === 'n1' ? [] : [`replicaof ${addressOf('n1')} ${REDIS_PORT}`]),
    ];
    return [
      `port ${REDIS_PORT}`,
      'bind 0.0.0.0',
      'protected-mode no',
      `dir ${this.path(name, 'data')}`,
      'appendonly yes',
      'save ""',
      'maxmemory-policy noeviction',
      `user ${USER} on >${PASSWORD} ~* &* +@all`,
      ...(this.setup === 'sentinel' ? group : []),
      '',
    ].join('\n');
  }
}

/** A stream or a consumer, and its replicas as one server sees them: only the leader of the group knows how they are. */
interface Group {
  readonly cluster: { readonly leader: string; readonly replicas?: readonly { current: boolean; lag?: number }[] };
  readonly consumer_detail?: readonly Group[];
}

interface JetStreamReport {
  readonly disabled?: boolean;
  readonly account_details?: readonly { readonly stream_detail: readonly Group[] }[];
}

/** How many entries a replica may lack because of the load. */
const LAG = 10;

function haveTheSame(reports: readonly (JetStreamReport & { readonly name: string })[]): boolean {
  const servers = reports.map(({ name, account_details: accounts = [] }) => {
    const streams = accounts.flatMap(({ stream_detail: of }) => of);
    return { name, groups: streams.flatMap((stream) => [stream, ...(stream.consumer_detail ?? [])]) };
  });
  const led = servers.flatMap(({ name, groups }) => groups.filter(({ cluster }) => cluster.leader === name));
  const count = Math.max(...servers.map(({ groups }) => groups.length));
  const replicas = led.flatMap(({ cluster }) => cluster.replicas ?? []);
  return count > 0 && led.length === count && replicas.every(({ current, lag = 0 }) => current && lag <= LAG);
}

function sentinelConfiguration(name: BrokerName): string {
  return [
    `port ${SENTINEL_PORT}`,
    'bind 0.0.0.0',
    'protected-mode no',
    `sentinel announce-ip ${addressOf(name)}`,
    `sentinel monitor shop ${addressOf('n1')} ${REDIS_PORT} 2`,
    'sentinel down-after-milliseconds shop 5000',
    'sentinel failover-timeout shop 10000',
    '',
  ].join('\n');
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
