import net from 'node:net';

/**
 * Ports on which servers of this process itself listen: the primary runs what main.ts does before it comes to
 * `NestFactory.create`. Node has no public list of open servers; where this one is gone, the answer is empty.
 */
export function portsOfOwnServers(): number[] {
  const { _getActiveHandles: handles } = process as { _getActiveHandles?(): unknown[] };
  if (typeof handles !== 'function') return [];
  return handles.call(process).flatMap((handle) => {
    const address = handle instanceof net.Server && handle.listening ? handle.address() : undefined;
    return typeof address === 'object' && address !== null ? [address.port] : [];
  });
}
