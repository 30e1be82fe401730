import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { RedisNames } from '../../lib/engines/redis/names.js';
import { REDIS } from '../support/index.js';
import { hostileBroker, PLACE } from './hostile.js';

hostileBroker(REDIS, async ({ url }) => {
  const client = new Redis(url, { maxRetriesPerRequest: null });
  const names = new RedisNames(PLACE, 0);
  return {
    say: async (subject, message) => void (await client.publish(names.channel(subject), Buffer.from(message))),
    put: async (queue, id, message) => {
      const tasks = new Queue(queue, { connection: client, prefix: names.tasks, skipVersionCheck: true });
      await tasks.add('x', Buffer.from(message).toString('base64'), { jobId: names.job(id), removeOnComplete: true });
      await client.publish(names.wake(queue), '');
    },
    write: async (store, key, value) => {
      await client.hset(names.record(store, key), 'version', '1', 'value', Buffer.from(value));
      await client.zadd(names.index(store), Date.now() + 60_000, key);
    },
    queues: async () => {
      const keys = await client.keys(`${names.tasks}:*`);
      return new Set(keys.map((key) => key.slice(names.tasks.length + 1).split(':')[0])).size;
    },
    close: async () => client.disconnect(),
  };
});
