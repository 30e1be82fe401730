import type { JetStreamOptions } from '@nats-io/jetstream';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { z } from 'zod';
import { checkAlone, checkEngineOptions } from '../../options/engine-options.js';

/**
 * Options of `nats()`. All other options (`user`, `pass`, `token`, `authenticator`, `tls`, `name`, …) are those of the
 * NATS client and are passed to it unchanged.
 *
 * @publicApi
 */
export interface NatsOptions extends Omit<NodeConnectionOptions, 'servers'> {
  /** One server, or several of one NATS cluster, such as `'nats://broker:4222'`. Default: `'127.0.0.1:4222'`. */
  readonly servers?: string | string[];
  /** Your own connection, instead of `servers` and all client options. It stays open when the app closes. */
  readonly connection?: NatsConnection;
  /** How many servers of the NATS cluster store tasks, results and leases: 1, 3 or 5. Default 1. */
  readonly replicas?: number;
  /** Options of the JetStream client, such as `domain`. */
  readonly jetstream?: JetStreamOptions;
}

/** The checked options. */
export interface ResolvedNatsOptions {
  readonly servers: string | string[] | undefined;
  readonly connection: NatsConnection | undefined;
  readonly replicas: number;
  readonly jetstream: JetStreamOptions;
  /** Options of the NATS client. */
  readonly client: NodeConnectionOptions;
}

const fail = (allowed: string) => ({ error: `expected ${allowed}` });
const address = z.string(fail("an address such as 'nats://broker:4222'")).min(1, fail('an address'));

/** Options as a user may write them. */
export const natsSchema = z.looseObject(
  {
    servers: z
      .union([address, z.array(address).min(1)], fail("an address such as 'nats://broker:4222', or several"))
      .optional(),
    connection: z
      .custom<NatsConnection>(
        (value) => typeof (value as { jetstream?: unknown; publish?: unknown } | null)?.publish === 'function',
        fail("a connection as connect() of '@nats-io/transport-node' gives it"),
      )
      .optional(),
    replicas: z.literal([1, 3, 5], fail('1, 3 or 5')).default(1),
    jetstream: z
      .custom<JetStreamOptions>((value) => typeof value === 'object' && value !== null, fail('an object'))
      .default({}),
    // The promises of the messenger depend on these.
    reconnect: z.literal(true, fail('true: the connection is tried for ever')).optional(),
    maxReconnectAttempts: z.literal(-1, fail('-1: the connection is tried for ever')).optional(),
    noEcho: z.literal(false, fail('false: a member tells a silent broker by its own messages')).optional(),
  },
  fail('an object such as { servers: "nats://broker:4222" }'),
);

/** @throws ClusterOptionsError that lists all problems */
export function resolveNatsOptions(input: unknown): ResolvedNatsOptions {
  const data = checkEngineOptions('nats()', natsSchema, input);
  const { servers, connection, replicas, jetstream, ...client } = data;
  checkAlone('nats()', connection, { servers, ...client }, 'the connection is made already');
  return { servers, connection, replicas, jetstream, client };
}
