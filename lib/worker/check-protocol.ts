import { PROTOCOL } from '../protocol/messages.js';

/** Why this worker cannot be supervised by a primary that uses `protocol`; undefined if it can. */
export function protocolProblem(protocol: string | undefined): string | undefined {
  if (protocol === PROTOCOL) return undefined;
  return (
    `This worker runs another version of nestjs-cluster (${PROTOCOL}) than its primary (${protocol ?? 'nestjs-cluster/1'}). ` +
    'A reload cannot change the version: stop the cluster and start it anew.'
  );
}
