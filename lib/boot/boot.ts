import { isMainThread } from 'node:worker_threads';
import { type BootFacts, chooseRole, MOST_WILLING, type RoleChoice } from './choose-role.js';
import { hostProgram, mainScript } from './host-program.js';
import { foreignPrimaryMessage, NO_SCRIPT, standaloneMessage } from './role-messages.js';
import { currentBoot, watchBoots } from './watch-boots.js';
import { ClusterOptionsError } from '../errors/errors.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import { ClusterLogger } from '../platform/cluster-logger.js';
import { inRootContext } from '../platform/async-context.js';
import { systemClock } from '../platform/clock.js';
import { clusterSwitch, descendsFromCluster, underPm2, underTestRunner } from '../platform/environment.js';
import { takeWorkerData } from '../protocol/worker-data.js';
import { commandOf, ownSession } from '../platform/process-tree.js';
import { bootPrimary } from './boot-primary.js';
import { WorkerRuntime, isForeignWorker } from '../worker/worker-runtime.js';
import type { ProcessRuntime } from '../runtime/process-runtime.interface.js';
import { clustersIn } from './clusters-in.js';
import { StandaloneRuntime } from './standalone-runtime.js';

const mark = takeWorkerData();
// In a thread, or in a process started before this package was imported, the mark is inherited from another process.
const isWorker = mark !== undefined && isMainThread && isForeignWorker();
// A worker starts when the package is imported, so it knows a server that is opened before NestFactory.create, and
// drains it like any other.
const worker = isWorker ? new WorkerRuntime(mark, systemClock) : undefined;
worker?.start();
// A primary needs nothing of what Nest would otherwise load now for the application.
watchBoots(worker ? undefined : clustersIn);
let primary: Promise<never> | undefined;
const said = new Set<string>();

/** The runtime of this process if it is a worker of this package; otherwise undefined. */
export function workerRuntime(): WorkerRuntime | undefined {
  return worker;
}

/**
 * Whether this process runs without a cluster, whatever the options say.
 *
 * @throws ClusterOptionsError if NESTJS_CLUSTER is neither on nor off
 */
export function isStandaloneAnyway(): boolean {
  const facts = bootFacts();
  const choice = chooseRole(facts, MOST_WILLING);
  if (choice.role !== 'standalone') return false;
  explain(choice, facts);
  return true;
}

/**
 * Makes a process that is not a worker the primary, unless it should run standalone. Resolves if it runs standalone. In
 * the primary it never resolves, so nothing of the application is constructed there.
 *
 * @throws ClusterOptionsError if NESTJS_CLUSTER is neither on nor off, or if another primary forked this
 *   process
 */
export async function becomePrimary(options: ResolvedClusterOptions): Promise<void> {
  const { enabled, contexts, fork } = options;
  const facts = bootFacts();
  const choice = chooseRole(facts, { enabled, contexts, hasOwnScript: fork.exec !== undefined });
  if (choice.role === 'refused') throw new ClusterOptionsError(refusal(choice.reason));
  if (choice.role === 'primary') return (primary ??= bootPrimary(options));
  explain(choice, facts);
}

/** Creates a cluster of one, in this process. */
export function standalone(options: ResolvedClusterOptions): ProcessRuntime {
  const logger = new ClusterLogger();
  return new StandaloneRuntime(options, (message) => inRootContext(() => logger.warn(message)));
}

function bootFacts(): BootFacts {
  const boot = currentBoot();
  const main = mainScript();
  return {
    isWorker,
    kind: boot?.kind,
    isMainThread,
    clusterSwitch: clusterSwitch(),
    isDescendant: descendsFromCluster(ownSession()),
    hasForeignPrimary: isForeignWorker(),
    isTestRun: underTestRunner(),
    hasMainScript: main !== undefined,
    host: main === undefined ? undefined : hostProgram(main, boot?.callers ?? []),
  };
}

function explain(choice: RoleChoice, facts: BootFacts): void {
  const message = choice.role === 'standalone' ? standaloneMessage(choice.reason, facts) : undefined;
  // A dev server boots the app again after every edit, so each message is logged once.
  if (message === undefined || said.has(message.text)) return;
  said.add(message.text);
  new ClusterLogger()[message.level](message.text);
}

function refusal(reason: Extract<RoleChoice, { role: 'refused' }>['reason']): string {
  if (reason === 'no-script') return NO_SCRIPT;
  return foreignPrimaryMessage({ isPm2: underPm2(), pid: process.ppid, command: commandOf(process.ppid) });
}
