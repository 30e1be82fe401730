import net from 'node:net';

/**
 * Whether a server of this process itself listens on the port: the primary runs what main.ts does before it comes to
 * `NestFactory.create`. Node has no public list of open servers; where this one is gone, the answer is no.
 */
export function holdsPort(port: number): boolean {
  const { _getActiveHandles: handles } = process as { _getActiveHandles?(): unknown[] };
  if (typeof handles !== 'function' || port <= 0) return false;
  return handles.call(process).some((handle) => {
    const address = handle instanceof net.Server && handle.listening ? handle.address() : undefined;
    return typeof address === 'object' && address?.port === port;
  });
}
