import { type ChildProcess, execFileSync, spawn, type SpawnOptions, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isRunning } from '../support/index.js';

/** The machines on the network: three hosts and up to three brokers. */
export const HOSTS = ['a', 'b', 'c'] as const;
export const BROKERS = ['n1', 'n2', 'n3'] as const;
export type Host = (typeof HOSTS)[number];
export type BrokerName = (typeof BROKERS)[number];
export type Machine = Host | BrokerName;

/** The switch is a machine, too: it reaches all others, whatever is cut between them. */
const SWITCH = 'switch';
const ADDRESSES: Readonly<Record<Machine | typeof SWITCH, string>> = {
  switch: '10.77.0.1',
  a: '10.77.0.11',
  b: '10.77.0.12',
  c: '10.77.0.13',
  n1: '10.77.0.21',
  n2: '10.77.0.22',
  n3: '10.77.0.23',
};

export const addressOf = (machine: Machine): string => ADDRESSES[machine];

/** Why no network can be made on this machine; undefined if it can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const tool of ['ip', 'nft']) {
    if (spawnSync(tool, ['-V']).error) return `${tool} is not installed: apt-get install iproute2 nftables`;
  }
  const name = `nestjs-cluster-try-${process.pid}`;
  const rule = ['nft', 'add', 'chain', 'ip', 't', 'c', '{ type nat hook prerouting priority -100; }'];
  const tried = [
    ['netns', 'add', name],
    ['netns', 'exec', name, 'nft', 'add', 'table', 'ip', 't'],
    ['netns', 'exec', name, ...rule],
  ].find((args) => spawnSync('ip', args).status !== 0);
  spawnSync('ip', ['netns', 'del', name]);
  return tried && `this machine refuses: ip ${tried.join(' ')}`;
}

/**
 * Machines in network namespaces of their own, on one bridge that nothing outside can reach. Faults drop packets: a cut
 * connection freezes and is never reset, as when a cable is pulled.
 */
export class Network {
  private static made = 0;
  /** Networks of other tests have the same addresses, but other namespaces. */
  private readonly name = `nestjs-cluster-${process.pid}-${++Network.made}`;

  private constructor() {}

  static make(): Network {
    sweep();
    const network = new Network();
    try {
      network.build();
    } catch (error) {
      network.destroy();
      throw error;
    }
    return network;
  }

  /** Starts a process on that machine. */
  spawn(machine: Machine | typeof SWITCH, command: readonly string[], options: SpawnOptions): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.namespaceOf(machine), ...command], options);
  }

  /** Runs a command on that machine, and returns what it wrote. Throws where it failed. */
  run(machine: Machine | typeof SWITCH, command: readonly string[]): string {
    const args = ['netns', 'exec', this.namespaceOf(machine), ...command];
    return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** From now on `percent` of the packets from `from` to `to` are dropped. */
  drop(from: Machine, to: Machine, percent = 100): void {
    const some = percent < 100 ? ['numgen', 'random', 'mod', '100', '<', String(percent)] : [];
    this.run(to, ['nft', 'add', 'rule', 'inet', 'faults', 'in', 'ip', 'saddr', ADDRESSES[from], ...some, 'drop']);
  }

  cut(one: Machine, other: Machine): void {
    this.drop(one, other);
    this.drop(other, one);
  }

  /** All machines reach each other again. */
  heal(): void {
    for (const machine of [...HOSTS, ...BROKERS]) this.run(machine, ['nft', 'flush', 'chain', 'inet', 'faults', 'in']);
  }

  /** Connections from other machines to that port are redirected to another port of the same machine. */
  redirect(machine: Machine, port: number, to: number): void {
    this.run(machine, [
      'nft',
      'add',
      'rule',
      'ip',
      'ways',
      'in',
      'tcp',
      'dport',
      String(port),
      'redirect',
      'to',
      `:${to}`,
    ]);
  }

  /** Removes the network; all processes on it must have ended. */
  destroy(): void {
    for (const machine of [...HOSTS, ...BROKERS, SWITCH] as const) {
      spawnSync('ip', ['netns', 'del', this.namespaceOf(machine)]);
    }
  }

  private namespaceOf(machine: Machine | typeof SWITCH): string {
    return `${this.name}-${machine}`;
  }

  private build(): void {
    const hub = this.namespaceOf(SWITCH);
    execFileSync('ip', ['netns', 'add', hub]);
    for (const link of ['lo up', 'add bridge type bridge', 'bridge up'])
      this.run(SWITCH, ['ip', 'link', ...(link.startsWith('add') ? [] : ['set']), ...link.split(' ')]);
    this.run(SWITCH, ['ip', 'addr', 'add', `${ADDRESSES.switch}/24`, 'dev', 'bridge']);
    for (const machine of [...HOSTS, ...BROKERS]) {
      execFileSync('ip', ['netns', 'add', this.namespaceOf(machine)]);
      const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', this.namespaceOf(machine)];
      this.run(SWITCH, ['ip', 'link', 'add', `to-${machine}`, ...peer]);
      this.run(SWITCH, ['ip', 'link', 'set', `to-${machine}`, 'master', 'bridge', 'up']);
      this.run(machine, ['ip', 'link', 'set', 'lo', 'up']);
      this.run(machine, ['ip', 'link', 'set', 'eth0', 'up']);
      this.run(machine, ['ip', 'addr', 'add', `${ADDRESSES[machine]}/24`, 'dev', 'eth0']);
      this.run(machine, [
        'nft',
        'add table inet faults; add chain inet faults in { type filter hook input priority 0; }',
      ]);
      this.run(machine, ['nft', 'add table ip ways; add chain ip ways in { type nat hook prerouting priority -100; }']);
    }
  }
}

/** Removes what killed tests have left behind: processes, namespaces and disks. */
function sweep(): void {
  const left = (name: string) => {
    const pid = /^nestjs-cluster-(\d+)/.exec(name)?.[1];
    return pid !== undefined && !isRunning(Number(pid));
  };
  const namespaces = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n');
  for (const name of namespaces.map((line) => line.split(' ')[0]!).filter(left)) {
    const pids = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n').filter(Boolean);
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
    spawnSync('ip', ['netns', 'del', name]);
  }
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [device = '', folder = ''] = line.split(' ');
    if (left(device)) spawnSync('umount', [folder]);
  }
}
