import type { Redis } from 'ioredis';

/**
 * Operations that must be atomic in Redis, and that neither its commands nor BullMQ offer.
 *
 * A version is the time in µs, or the last version plus 1 if that is higher. So versions also grow if Redis has lost
 * its data, and with it the last version. Lua's numbers represent such a time exactly.
 */
const SCRIPTS = {
  /** KEYS record, last version, index; ARGV expected version or '', value, ttl in ms, key. Returns the version, or false. */
  clusterPut: {
    numberOfKeys: 3,
    lua: `
      if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return false end
      local time = redis.call('TIME')
      local last = tonumber(redis.call('GET', KEYS[2]) or '0')
      local version = string.format('%.0f', math.max(time[1] * 1000000 + time[2], last + 1))
      local now = time[1] * 1000 + math.floor(time[2] / 1000)
      redis.call('SET', KEYS[2], version)
      redis.call('HSET', KEYS[1], 'version', version, 'value', ARGV[2])
      redis.call('PEXPIRE', KEYS[1], ARGV[3])
      redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
      redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[4])
      return version`,
  },
  /** KEYS record, index; ARGV expected version, key. */
  clusterRemove: {
    numberOfKeys: 2,
    lua: `
      if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
      redis.call('ZREM', KEYS[2], ARGV[2])
      return redis.call('DEL', KEYS[1])`,
  },
  /** KEYS index. Returns the keys that have not expired. */
  clusterKeys: {
    numberOfKeys: 1,
    lua: `
      local time = redis.call('TIME')
      local now = time[1] * 1000 + math.floor(time[2] / 1000)
      return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')`,
  },
  /**
   * Runs in one transaction after BullMQ's own addition: BullMQ knows an id only while it has the task, and does not
   * report that the id existed. KEYS task, known, waiting, and the keys that BullMQ keeps for a queue forever; ARGV
   * the name of this addition, id, ms, and how long to keep BullMQ's keys from now on, in ms, or 0. Returns 1 if the
   * task is new.
   */
  clusterAdmit: {
    numberOfKeys: 7,
    lua: `
      if ARGV[4] ~= '0' then
        for i = 4, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
      end
      if redis.call('HGET', KEYS[1], 'name') ~= ARGV[1] then return 0 end
      if redis.call('SET', KEYS[2], '', 'PX', ARGV[3], 'NX') then return 1 end
      redis.call('LREM', KEYS[3], 1, ARGV[2])
      redis.call('DEL', KEYS[1])
      return 0`,
  },
  /**
   * BullMQ does not extend a lease that has ended, but all leases end while the broker is away. Here the last holder
   * may extend it unless another worker has got the task. KEYS task, lock, active, stalled; ARGV id, token, lease in
   * ms, attempt.
   */
  clusterExtend: {
    numberOfKeys: 4,
    lua: `
      local holder = redis.call('GET', KEYS[2])
      if holder and holder ~= ARGV[2] then return 0 end
      if not holder and (redis.call('HGET', KEYS[1], 'ats') ~= ARGV[4] or not redis.call('LPOS', KEYS[3], ARGV[1])) then
        return 0
      end
      redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
      redis.call('SREM', KEYS[4], ARGV[1])
      return 1`,
  },
  /** BullMQ does not remove a task that is handed out. KEYS task, lock, waiting, active, stalled; ARGV id. */
  clusterWithdraw: {
    numberOfKeys: 5,
    lua: `
      if redis.call('DEL', KEYS[1]) == 0 then return 0 end
      redis.call('DEL', KEYS[2])
      redis.call('LREM', KEYS[3], 0, ARGV[1])
      redis.call('LREM', KEYS[4], 0, ARGV[1])
      redis.call('SREM', KEYS[5], ARGV[1])
      return 1`,
  },
};

/** A client with the scripts as commands. */
export interface ScriptedRedis extends Redis {
  clusterPut(
    record: string,
    last: string,
    index: string,
    expected: string,
    value: Buffer,
    ttl: number,
    key: string,
  ): Promise<string | null>;
  clusterRemove(record: string, index: string, expected: string, key: string): Promise<number>;
  clusterKeys(index: string): Promise<string[]>;
  clusterExtend(
    task: string,
    lock: string,
    active: string,
    stalled: string,
    id: string,
    token: string,
    lease: number,
    attempt: number,
  ): Promise<number>;
  clusterWithdraw(
    task: string,
    lock: string,
    waiting: string,
    active: string,
    stalled: string,
    id: string,
  ): Promise<number>;
}

export function withScripts(client: Redis): ScriptedRedis {
  for (const [name, script] of Object.entries(SCRIPTS)) client.defineCommand(name, script);
  return client as ScriptedRedis;
}
