import { loadEnginePackages, type PackageSource } from '../../options/engine-options.js';
import { installedVersion } from '../../platform/installed-version.js';

/** The NATS client packages, which are optional peer dependencies. */
export interface NatsPackages {
  readonly transport: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
  readonly kv: typeof import('@nats-io/kv');
}

const WANTED = { '@nats-io/transport-node': [3], '@nats-io/jetstream': [3], '@nats-io/kv': [3] };

/** @throws ClusterOptionsError if a package is not installed or has another version, with the remedy */
export async function loadPackages(
  source: PackageSource = { load: (name) => import(name), version: installedVersion },
): Promise<NatsPackages> {
  const [transport, jetstream, kv] = await loadEnginePackages('nats()', WANTED, source);
  return { transport, jetstream, kv } as NatsPackages;
}
