import { ClusterOptionsError } from '../../errors/errors.js';
import type { ListenMode } from '../../options/cluster-options.interface.js';
import { canReusePort } from './bind.js';

/** The chosen mode, and the reason for it as text. */
export interface ChosenMode {
  /** 'node': the mode that the environment variable of node:cluster selects. */
  readonly mode: Exclude<ListenMode, 'auto'> | 'node';
  readonly why: string;
}

/**
 * Chooses the mode for the option on this machine. 'auto' means 'reuse-port' if two sockets can really share a port,
 * otherwise 'round-robin'. If NODE_CLUSTER_SCHED_POLICY is set, 'auto' leaves the choice to node:cluster, which reads
 * it.
 *
 * @param policy the value of NODE_CLUSTER_SCHED_POLICY
 * @throws ClusterOptionsError if the option is 'reuse-port' and that does not work here.
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
