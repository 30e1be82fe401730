import type { Redis } from 'ioredis';
import { ClusterOptionsError } from '../../errors/errors.js';

const OLDEST_VERSION = [6, 2];

/**
 * Checks whether a server can be used.
 *
 * @returns warnings: what an operator should change
 * @throws ClusterOptionsError if the server cannot be used
 */
export async function checkServer(client: Redis, address: string): Promise<string[]> {
  const isFoundBySentinel = Boolean(client.options.sentinels?.length);
  let text: string;
  try {
    text = await client.info();
  } catch (error) {
    const { message } = error as Error;
    if (!message.startsWith('NOPERM')) throw error;
    return [
      `Redis at ${address} does not let this user ask how it is configured (${message}). Make sure that it has ` +
        `appendonly yes and maxmemory-policy noeviction, or let the user call INFO.`,
    ];
  }
  return judge(parse(text), address, isFoundBySentinel);
}

/** @throws ClusterOptionsError */
export function judge(info: ReadonlyMap<string, string>, address: string, isFoundBySentinel: boolean): string[] {
  const version = info.get('redis_version') ?? '0.0.0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST_VERSION[0]! || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1]!)) {
    throw new ClusterOptionsError(
      `messenger.engine: Redis ${version} at ${address} is too old; ${OLDEST_VERSION.join('.')} or newer is needed.`,
    );
  }
  if (info.get('redis_mode') === 'cluster') {
    throw new ClusterOptionsError(
      `messenger.engine: ${address} is part of a Redis Cluster, which is not supported. Name one server, or Sentinel's ` +
        `(sentinels and name of redis()).`,
    );
  }
  if (info.get('role') === 'slave') {
    throw new ClusterOptionsError(
      `messenger.engine: Redis at ${address} is a replica, which takes nothing. Name the primary, or let Sentinel find it ` +
        `(sentinels and name of redis()).`,
    );
  }
  const warnings: string[] = [];
  if (info.get('aof_enabled') === '0') {
    warnings.push(
      `Redis at ${address} keeps no append-only file: when it is killed, queued tasks, results and ids it knew since its ` +
        `last snapshot are lost. Set appendonly yes in redis.conf, or at once: redis-cli config set appendonly yes.`,
    );
  }
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') {
    warnings.push(
      `Redis at ${address} has maxmemory-policy ${policy}: when its memory is full, it deletes tasks, results and leases. ` +
        `Set maxmemory-policy noeviction in redis.conf, or at once: redis-cli config set maxmemory-policy noeviction.`,
    );
  }
  // INFO contains it only if both options are set: https://redis.io/docs/latest/commands/info/
  if (isFoundBySentinel && !info.has('min_slaves_good_slaves')) {
    warnings.push(
      `Redis at ${address} accepts writes without a connected replica: if it is cut off from Sentinel, it and ` +
        `the promoted server would each have a leader and run a runOnce. Set min-replicas-to-write 1 and ` +
        `min-replicas-max-lag 3 (seconds; less than Sentinel's down-after-milliseconds) in redis.conf of every server, or at once by redis-cli config set.`,
    );
  }
  return warnings;
}

/** Parses the answer of INFO. */
export function parse(text: string): Map<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
