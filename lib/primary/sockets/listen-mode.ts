import { ClusterOptionsError } from '../../errors/errors.js';
import type { ListenMode } from '../../options/cluster-options.interface.js';
import { canReusePort } from './bind.js';

/** The mode in force, and in words why. */
export interface ChosenMode {
  /** 'node': whatever node:cluster was told to do by its environment variable. */
  readonly mode: Exclude<ListenMode, 'auto'> | 'node';
  readonly why: string;
}

/**
 * The mode that the option means here. 'auto' is 'reuse-port' where two sockets can really share a port, else
 * 'round-robin'; NODE_CLUSTER_SCHED_POLICY, which chooses for node:cluster, is respected.
 *
 * @param policy the value of NODE_CLUSTER_SCHED_POLICY
 * @throws ClusterOptionsError where 'reuse-port' was asked for and cannot be.
 */
export function chooseListenMode(
  option: ListenMode,
  policy: string | undefined,
  canReuse: () => boolean = canReusePort,
): ChosenMode {
  if (option === 'auto' && policy) return { mode: 'node', why: `NODE_CLUSTER_SCHED_POLICY is '${policy}'` };
  if (option !== 'auto' && option !== 'reuse-port') return { mode: option, why: 'as the option says' };
  const works = canReuse();
  const here = `Node ${process.versions.node} on ${process.platform}`;
  if (option === 'reuse-port' && !works) {
    throw new ClusterOptionsError(
      `ClusterModule: listen is 'reuse-port', and ${here} cannot bind two sockets to one port. ` +
        `It takes Linux and Node 22.12 or later; leave the option out ('auto') to have 'round-robin' where that is missing.`,
    );
  }
  if (works) return { mode: 'reuse-port', why: `${here} binds several sockets to one port` };
  return { mode: 'round-robin', why: `${here} cannot bind two sockets to one port` };
}
