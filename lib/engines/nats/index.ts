import type { EngineProvider } from '../../bus/engine.interface.js';
import { NatsEngine } from './nats-engine.js';
import { type NatsOptions, resolveNatsOptions } from './options.js';
import { loadPackages } from './packages.js';

export type { NatsOptions } from './options.js';

/**
 * Connects the hosts by NATS, as `messenger: { engine: nats({ servers }) }`: the messenger, `runOnce` and the leader
 * election then include every worker of every host. Needs nats-server 2.9 or newer with JetStream, and the packages
 * `@nats-io/transport-node`, `@nats-io/jetstream` and `@nats-io/kv`.
 *
 * @throws ClusterOptionsError if an option is invalid
 * @publicApi
 */
export function nats(options?: NatsOptions): EngineProvider {
  const resolved = resolveNatsOptions(options);
  return {
    name: 'NATS',
    create: async (context) => new NatsEngine(await loadPackages(), resolved, context),
  };
}
