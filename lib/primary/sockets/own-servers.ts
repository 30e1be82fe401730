import net from 'node:net';

/**
 * The ports on which servers of this process itself listen: the primary, too, runs the part of main.ts before
 * `NestFactory.create`. Node has no public list of open servers; if the private one is missing, the result is empty.
 */
export function portsOfOwnServers(): number[] {
  const { _getActiveHandles: handles } = process as { _getActiveHandles?(): unknown[] };
  if (typeof handles !== 'function') return [];
  return handles.call(process).flatMap((handle) => {
    const address = handle instanceof net.Server && handle.listening ? handle.address() : undefined;
    return typeof address === 'object' && address !== null ? [address.port] : [];
  });
}
