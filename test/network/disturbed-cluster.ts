import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { now } from '../e2e/fixtures/src/network/record.js';
import { childrenOf, eventually, fixture, isRunning, NODE, userEnvironment } from '../support/index.js';
import { Brokers, type Setup } from './brokers.js';
import type { Fault, FaultKind, FaultRecord } from './faults.js';
import { type History, type HostExit, type Probe, readEvents } from './history.js';
import { addressOf, type Host, HOSTS, Network } from './namespaces.js';

const PORT = 3000;
const WORKERS = 2;
/** How many members each worker sees when none is missing. */
const FULL = HOSTS.length * WORKERS;
/** How long after its end a host is started again, in ms. */
const RESTART = 2_000;
/** How long calls may take to settle after the load has stopped, in ms: a task of 12 s may have waited for a lease. */
const SETTLING = 45_000;

/** Faults after which a server starts anew. */
const ENDS_A_BROKER: ReadonlySet<FaultKind> = new Set(['kill-broker', 'empty-broker', 'full-disk']);

/** Three hosts under load, whose network, brokers and processes can be disturbed. */
export class DisturbedCluster {
  private readonly hosts = new Map<Host, ChildProcess>();
  private readonly probes: Probe[] = [];
  private readonly latest = new Map<Host, Probe>();
  private readonly faults: FaultRecord[] = [];
  private readonly brokers: Brokers;
  private probe: ChildProcess | undefined;
  private readonly exits: HostExit[] = [];
  private isStopping = false;
  private started = 0;

  private constructor(
    readonly setup: Setup,
    readonly folder: string,
    private readonly network: Network,
  ) {
    this.brokers = new Brokers(setup, network, folder);
  }

  /** @param folder for the history and all logs; created if it is missing */
  static async start(setup: Setup, folder: string): Promise<DisturbedCluster> {
    mkdirSync(folder, { recursive: true });
    const cluster = new DisturbedCluster(setup, folder, Network.make());
    try {
      await cluster.brokers.start();
      for (const host of HOSTS) cluster.startHost(host);
      cluster.startProbe();
      await cluster.full();
      cluster.started = now();
    } catch (error) {
      await cluster.destroy();
      throw error;
    }
    return cluster;
  }

  /** Resolves when every host answers and sees all members. */
  async full(): Promise<void> {
    const sees = (host: Host) => this.latest.get(host)?.state?.members === FULL;
    await eventually(() => HOSTS.every(sees), {
      timeout: 150_000,
      what: () => `${FULL} members everywhere: ${JSON.stringify([...this.latest])}, see ${this.folder}`,
    });
  }

  /** Causes the fault, and ends it after `ms`. Resolves to false if the brokers were in no state to lose a server. */
  async suffer(fault: Fault, ms: number): Promise<boolean> {
    if (ENDS_A_BROKER.has(fault.kind) && !(await this.brokers.areInStep())) return false;
    const begin = now();
    const { undo, pids } = await this.inflict(fault);
    await pass(ms);
    await undo();
    this.faults.push({ fault, begin, end: now(), ...(pids ? { pids } : {}) });
    return true;
  }

  /** Stops the load, waits until all calls have settled, and returns the history. */
  async finish(): Promise<History> {
    await this.full();
    const stopped = now();
    writeFileSync(join(this.folder, 'stop'), '');
    await this.settled().catch(() => {}); // the checker reports calls that have not settled
    const { probes, faults, exits, started, setup } = this;
    return { events: readEvents(this.folder), probes, faults, exits, started, stopped, members: FULL, setup };
  }

  /** Asks the hosts to stop, and resolves to how each ended. */
  async stop(): Promise<Readonly<Record<string, number | string>>> {
    this.isStopping = true;
    const ends = [...this.hosts].map(async ([name, host]) => {
      const ended = once(host, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
      host.kill('SIGTERM');
      const [code, signal] = await ended;
      return [name, code ?? signal!] as const;
    });
    return Object.fromEntries(await Promise.all(ends));
  }

  /** Kills everything that still runs, and removes the network. */
  async destroy(): Promise<void> {
    this.isStopping = true;
    for (const [name, host] of this.hosts) {
      const pids = this.pidsOf(name);
      for (const pid of pids) kill(pid, 'SIGKILL');
      if (host.exitCode === null && host.signalCode === null) await once(host, 'exit');
      await eventually(() => pids.every((pid) => !isRunning(pid)), { what: `the end of host ${name}` });
    }
    if (this.probe && this.probe.exitCode === null && this.probe.signalCode === null) {
      this.probe.kill('SIGKILL');
      await once(this.probe, 'exit');
    }
    await this.brokers.stop();
    this.network.destroy();
  }

  private async inflict(fault: Fault): Promise<{ undo: () => unknown; pids?: readonly number[] }> {
    const { network, brokers } = this;
    const heal = () => network.heal();
    switch (fault.kind) {
      case 'cut':
        for (const broker of fault.brokers) {
          if (fault.way !== 'to') network.drop(fault.host, broker);
          if (fault.way !== 'from') network.drop(broker, fault.host);
        }
        return { undo: heal };
      case 'isolate':
        for (const other of [...HOSTS, ...brokers.names]) if (other !== fault.broker) network.cut(fault.broker, other);
        return { undo: heal };
      case 'minority':
        for (const other of [...HOSTS, ...brokers.names]) {
          if (other === fault.broker || other === fault.host) continue;
          network.cut(fault.broker, other);
          if (other.startsWith('n')) network.cut(fault.host, other);
        }
        return { undo: heal };
      case 'loss':
        for (const broker of brokers.names) {
          network.drop(fault.host, broker, fault.percent);
          network.drop(broker, fault.host, fault.percent);
        }
        return { undo: heal };
      case 'latency':
        brokers.slowDown(fault.broker, fault.ms);
        return { undo: () => brokers.slowDown(fault.broker, 0) };
      case 'kill-broker':
        await brokers.kill(fault.broker);
        return { undo: () => brokers.restart(fault.broker) };
      case 'empty-broker':
        await brokers.kill(fault.broker);
        brokers.forget(fault.broker);
        return { undo: () => brokers.restart(fault.broker) };
      case 'freeze-broker':
        brokers.freeze(fault.broker);
        return { undo: () => brokers.thaw(fault.broker) };
      case 'full-disk':
        brokers.fill(fault.broker);
        return { undo: () => brokers.free(fault.broker) };
      case 'revoke':
        brokers.revoke(true);
        return { undo: () => brokers.revoke(false) };
      case 'kill-worker':
      case 'freeze-worker': {
        const [, pid] = this.pidsOf(fault.host); // the first is the primary
        if (pid === undefined) return { undo: () => {} }; // no worker runs just now: it is being replaced
        const isKill = fault.kind === 'kill-worker';
        kill(pid, isKill ? 'SIGKILL' : 'SIGSTOP');
        return { undo: () => isKill || kill(pid, 'SIGCONT'), pids: [pid] };
      }
      case 'kill-host': {
        const pids = this.pidsOf(fault.host);
        for (const pid of pids) kill(pid, 'SIGKILL');
        return { undo: () => this.startHost(fault.host), pids };
      }
      case 'freeze-host': {
        const pids = this.pidsOf(fault.host);
        for (const pid of pids) kill(pid, 'SIGSTOP');
        return { undo: () => pids.forEach((pid) => kill(pid, 'SIGCONT')), pids };
      }
    }
  }

  /** The primary's pid, and those of its workers. */
  private pidsOf(host: Host): number[] {
    const { pid } = this.hosts.get(host)!;
    return [pid!, ...childrenOf(pid!)];
  }

  private startHost(host: Host): void {
    const log = openSync(join(this.folder, `host-${host}.log`), 'a');
    const engine = JSON.stringify(this.brokers.engine);
    const env = { HOST_NAME: host, HISTORY: this.folder, PORT: String(PORT), ENGINE: engine, NODE_ENV: 'production' };
    const child = this.network.spawn(host, [NODE, fixture('network/main')], {
      stdio: ['ignore', log, log],
      env: { ...userEnvironment(), ...env },
    });
    closeSync(log);
    this.hosts.set(host, child);
    // As an operator's service manager does.
    child.once('exit', (code, signal) => {
      if (this.isStopping || signal === 'SIGKILL') return;
      this.exits.push({ at: now(), host, code: code ?? signal! });
      setTimeout(() => this.isStopping || this.startHost(host), RESTART);
    });
  }

  private startProbe(): void {
    const urls = Object.fromEntries(HOSTS.map((host) => [host, `http://${addressOf(host)}:${PORT}/`]));
    const command = [NODE, fixture('network/probe'), JSON.stringify(urls)];
    this.probe = this.network.spawn('switch', command, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.probe.on('message', (probe: Probe) => {
      this.probes.push(probe);
      this.latest.set(probe.host as Host, probe);
    });
  }

  private async settled(): Promise<void> {
    const open = () => {
      const waiting = new Set<string>();
      for (const event of readEvents(this.folder)) {
        if (event.kind === 'call') waiting.add(`${event.process}/${event.call}`);
        if (event.kind === 'settled') waiting.delete(`${event.process}/${event.call}`);
      }
      const living = new Set(HOSTS.flatMap((host) => this.pidsOf(host)));
      return [...waiting].filter((call) => living.has(Number.parseInt(call, 10)));
    };
    const end = now() + SETTLING;
    while (now() < end) {
      await pass(2_000);
      if (open().length === 0) return;
    }
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
