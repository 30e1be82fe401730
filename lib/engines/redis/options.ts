import type { Redis, RedisOptions as ClientOptions } from 'ioredis';
import { z } from 'zod';
import { checkAlone, checkEngineOptions } from '../../options/engine-options.js';

/** Options that a user cannot set, because the promises of the messenger depend on them. */
type Fixed =
  | 'keyPrefix'
  | 'retryStrategy'
  | 'enableOfflineQueue'
  | 'enableAutoPipelining'
  | 'autoResubscribe'
  | 'autoResendUnfulfilledCommands'
  | 'maxRetriesPerRequest'
  | 'lazyConnect'
  | 'monitor';

/**
 * Options of `redis()`. All other options (`username`, `password`, `tls`, `db`, `sentinels`, `host`, `port`, …) are
 * those of ioredis and are passed to it unchanged.
 *
 * @publicApi
 */
export interface RedisOptions extends Omit<ClientOptions, Fixed> {
  /**
   * The server, such as `'redis://user:password@broker:6379/0'`, or `rediss://` with TLS. Default: `host` and `port` of
   * the client, which are 127.0.0.1:6379 by default.
   */
  readonly url?: string;
  /**
   * Your own client, instead of `url` and all client options. The engine opens two connections with its options. It
   * does not use the client itself, which stays as it is when the app closes.
   */
  readonly connection?: Redis;
}

/** The checked options. */
export interface ResolvedRedisOptions {
  readonly url: string | undefined;
  readonly connection: Redis | undefined;
  /** Options of ioredis. */
  readonly client: ClientOptions;
  /** The number of the database. */
  readonly db: number;
}

const fail = (allowed: string) => ({ error: `expected ${allowed}` });
const ADDRESS = fail("an address such as 'redis://broker:6379', or rediss:// with TLS");
const never = (why: string) => z.undefined(fail(`nothing: ${why}`)).optional();
const TRIED = 'the connection is tried for ever, with a growing delay';
const AT_ONCE = 'what cannot be sent is refused at once';

/** Options as a user may write them. */
export const redisSchema = z.looseObject(
  {
    url: z
      .string(ADDRESS)
      .regex(/^rediss?:\/\/./, ADDRESS)
      .optional(),
    connection: z
      .custom<Redis>(
        (value) => typeof (value as Redis | null | undefined)?.duplicate === 'function' && !(value as Redis).isCluster,
        fail("a client as new Redis() of 'ioredis' gives it, not of a Redis Cluster"),
      )
      .optional(),
    commandTimeout: z.number(fail('a number of ms, 1 or more')).min(1, fail('a number of ms, 1 or more')).optional(),
    keyPrefix: never('messenger.cluster and messenger.environment name what is kept'),
    retryStrategy: never(TRIED),
    enableOfflineQueue: z.literal(false, fail(`false: ${AT_ONCE}`)).optional(),
    enableAutoPipelining: z.literal(false, fail('false: messages would lose their order')).optional(),
    autoResubscribe: never('subscriptions are renewed by the engine'),
    autoResendUnfulfilledCommands: never(AT_ONCE),
    maxRetriesPerRequest: never(AT_ONCE),
    lazyConnect: never('the engine connects when the app starts'),
    monitor: never('the connection is for messages'),
  },
  fail('an object such as { url: "redis://broker:6379" }'),
);

/** @throws ClusterOptionsError that lists all problems */
export function resolveRedisOptions(input: unknown): ResolvedRedisOptions {
  const data = checkEngineOptions('redis()', redisSchema, input);
  const { url, connection, ...client } = data;
  checkAlone('redis()', connection, { url, ...client }, 'its own options are used');
  const db = connection?.options.db ?? databaseIn(url) ?? (client as ClientOptions).db ?? 0;
  return { url, connection, client, db };
}

/** The database number in the URL. It takes precedence over the option `db`, as in the client. */
function databaseIn(url: string | undefined): number | undefined {
  const [, db] = /^rediss?:\/\/[^/]*\/(\d+)/.exec(url ?? '') ?? [];
  return db === undefined ? undefined : Number(db);
}
