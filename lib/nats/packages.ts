import { loadEnginePackages } from '../options/engine-options.js';

/** The packages that speak to NATS; peers of this one, and optional there. */
export interface NatsPackages {
  readonly transport: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
  readonly kv: typeof import('@nats-io/kv');
}

const NAMES = ['@nats-io/transport-node', '@nats-io/jetstream', '@nats-io/kv'];

/** @throws ClusterOptionsError for a package that is not installed, with the command that installs it */
export async function loadPackages(
  load: (name: string) => Promise<unknown> = (name) => import(name),
): Promise<NatsPackages> {
  const [transport, jetstream, kv] = await loadEnginePackages('nats()', NAMES, load);
  return { transport, jetstream, kv } as NatsPackages;
}
