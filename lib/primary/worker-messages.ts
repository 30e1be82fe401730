import cluster, { type Worker } from 'node:cluster';
import type { Hub } from '../local-bus/hub/hub.js';
import type { ClusterLogger } from '../platform/cluster-logger.js';
import { errorReport } from '../protocol/error-report.js';
import { fromWorker, type ListeningAddress, PROTOCOL, protocolOf } from '../protocol/messages.js';
import type { ReloadReport } from '../runtime/reload.interface.js';
import type { PrimaryOutput } from './output/primary-output.js';
import type { ParentProgram } from './parent-program.js';
import type { WorkerHandle } from './processes/worker-handle.js';
import type { WorkerProcesses } from './processes/worker-processes.js';
import type { Answer } from './reload-requests.js';
import type { AcceptedHandle } from './sockets/bind.js';
import type { PassedOnConnections } from './sockets/passed-on-connections.js';
import type { SupervisorEvent } from './supervisor/supervisor.types.js';

/** The message by which workers of think-cluster request a reload. */
const THINK_CLUSTER_RELOAD = 'think-cluster-reload-workers';

/** The receivers of the messages. */
export interface MessageReceivers {
  readonly processes: WorkerProcesses;
  readonly hub: Hub;
  readonly passedOn: PassedOnConnections;
  readonly output: PrimaryOutput;
  readonly parent: ParentProgram;
  readonly logger: ClusterLogger;
  dispatch(event: SupervisorEvent): void;
  reload(requester: number, answer: Answer<ReloadReport>): void;
  scale(workers: number, answer: Answer<void>): void;
  isBrokerReachable(): Promise<boolean>;
  /** A worker that was told to leave accepts no new connection from now on. */
  stoppedListening(worker: number): void;
  /** The application has sent a message by `process.send`. */
  onAppMessage(worker: Worker, message: unknown, handle: unknown): void;
}

/** Passes the messages of the workers to their receivers. */
export class WorkerMessages {
  constructor(private readonly to: MessageReceivers) {}

  /** A message has arrived on a worker's channel; it may or may not be of this package. */
  onMessage(sender: WorkerHandle, raw: unknown, handle: unknown): void {
    const message = fromWorker(raw, sender.key);
    if (!message) return;
    sender.isUnderstood = true;
    const { worker } = sender;
    const { processes, passedOn } = this.to;
    const { binder } = processes;
    switch (message.type) {
      case 'barrier':
        return sender.send({ type: 'barrier' });
      case 'listen': {
        const value = binder.listen(sender.id, sender.slot, message.address);
        return sender.send({ type: 'answer', request: message.request, ok: true, value });
      }
      case 'unlisten':
        return binder.unlisten(sender.id, message.key);
      case 'handoff-ack':
        return binder.handoffAck(message.seq, message.accepted);
      case 'pass-on':
        return passedOn.offer(sender.id, message.server, handle as AcceptedHandle);
      case 'pass-on-ack':
        return passedOn.ack(message.seq, message.accepted);
      case 'release-socket':
        return binder.released(sender.id, message.key, message.slot);
      case 'listening':
        return worker && announceListening(worker, message.address);
      case 'stopped-listening':
        return this.to.stoppedListening(sender.id);
      case 'clients-gone':
        return this.to.hub.leaving(sender.id);
      case 'listens':
        return processes.expectedServers.listens(sender.slot, sender.generation, message.servers);
      case 'ready':
        processes.expectedServers.listens(sender.slot, sender.generation, message.servers);
        processes.provenGeneration = Math.max(processes.provenGeneration, sender.generation);
        this.to.output.logger.workerReady(message.logsJson);
        return this.to.dispatch({ type: 'ready', id: sender.id, unreadyTime: message.unreadyTime });
      case 'reload':
        return this.to.reload(sender.id, answerTo(sender, message.request));
      case 'scale':
        return this.to.scale(message.workers, answerTo(sender, message.request));
      case 'broker': {
        const { resolve, reject } = answerTo(sender, message.request);
        return void this.to.isBrokerReachable().then(resolve, reject);
      }
      case 'heartbeat':
        processes.read(sender, message.answered);
        passedOn.read(sender.id, message.answered);
        return this.to.dispatch({ ...message, id: sender.id });
      default:
        return this.to.dispatch({ ...message, id: sender.id });
    }
  }

  /** The application of a worker, or a process that this package did not fork, has sent a message by `process.send`. */
  onAppMessage(worker: Worker, message: unknown, handle: unknown): void {
    const { parent, logger } = this.to;
    const sender = this.to.processes.of(worker);
    const protocol = protocolOf(message);
    // If the worker runs this version, the application itself has written such a message.
    if (sender && protocol !== undefined && !sender.isUnderstood) return this.refuseVersion(sender, protocol);
    if (sender && message === THINK_CLUSTER_RELOAD) {
      const answer = { resolve: () => {}, reject: (error: Error) => logger.error(error.message) };
      return this.to.reload(sender.id, answer);
    }
    if (sender && parent.passOn(message)) return;
    if (sender) parent.workerSaid(message);
    this.to.onAppMessage(worker, message, handle);
  }

  /**
   * Kills a worker whose build contains an older version of the package: its messages arrive like messages of the
   * application.
   */
  private refuseVersion(sender: WorkerHandle, protocol: string): void {
    if (!sender.alive) return;
    this.to.logger.error(
      `worker ${sender.id} in slot ${sender.slot} runs another version of nestjs-cluster (${protocol}) than the primary ` +
        `(${PROTOCOL}) and is killed: a reload cannot change the version; stop the cluster and start it anew.`,
    );
    sender.kill('SIGKILL');
  }
}

/** Answers a worker's request over its control channel. */
function answerTo(sender: WorkerHandle, request: number): Answer<unknown> {
  return {
    resolve: (value) => sender.send({ type: 'answer', request, ok: true, value }),
    reject: (error) => sender.send({ type: 'answer', request, ok: false, error: errorReport(error) }),
  };
}

/** Emits the events that node:cluster emits for a server that listens through node:cluster itself. */
function announceListening(worker: Worker, address: ListeningAddress): void {
  worker.emit('listening', address);
  cluster.emit('listening', worker, address);
}
