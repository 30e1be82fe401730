import { brokersOf, type Setup } from './brokers.js';
import type { BrokerName, Host } from './namespaces.js';

/** What can happen to the network, to a broker's server, and to the processes of a host. */
export type Fault =
  /** Packets between a host and these brokers are dropped, in both directions or in one. */
  | {
      readonly kind: 'cut';
      readonly host: Host;
      readonly brokers: readonly BrokerName[];
      readonly way: 'both' | 'to' | 'from';
    }
  /** A broker's machine is cut off from all other machines. */
  | { readonly kind: 'isolate'; readonly broker: BrokerName }
  /** A host and a broker reach each other, but no other broker. */
  | { readonly kind: 'minority'; readonly host: Host; readonly broker: BrokerName }
  | { readonly kind: 'loss'; readonly host: Host; readonly percent: number }
  | { readonly kind: 'latency'; readonly broker: BrokerName; readonly ms: number }
  | { readonly kind: 'kill-broker'; readonly broker: BrokerName }
  | { readonly kind: 'freeze-broker'; readonly broker: BrokerName }
  /** It is killed and loses its data. */
  | { readonly kind: 'empty-broker'; readonly broker: BrokerName }
  | { readonly kind: 'full-disk'; readonly broker: BrokerName }
  /** The brokers refuse the apps' credentials and close their connections. */
  | { readonly kind: 'revoke' }
  | { readonly kind: 'kill-worker'; readonly host: Host }
  | { readonly kind: 'freeze-worker'; readonly host: Host }
  | { readonly kind: 'kill-host'; readonly host: Host }
  | { readonly kind: 'freeze-host'; readonly host: Host };

export type FaultKind = Fault['kind'];

/** A fault as it happened: times in ms of the machine's monotonic clock. */
export interface FaultRecord {
  readonly fault: Fault;
  readonly begin: number;
  readonly end: number;
  /** Pids of the processes that were killed or frozen by it. */
  readonly pids?: readonly number[];
}

/** The host that the fault separates from all brokers, or stops, while the other hosts go on. */
export function isolatedHost(fault: Fault, setup: Setup): Host | undefined {
  // With Sentinel only one server takes writes, and a cut from a single host is no reason for the sentinels to replace it.
  const needsAll = setup === 'sentinel';
  if (fault.kind === 'cut' && (needsAll || fault.brokers.length === brokersOf(setup).length)) return fault.host;
  if (fault.kind === 'minority' || fault.kind === 'loss' || fault.kind === 'freeze-host') return fault.host;
  return fault.kind === 'kill-host' ? fault.host : undefined;
}

export function describeFault(fault: Fault): string {
  const { kind, ...details } = fault;
  const list = Object.entries(details).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join('+') : value}`,
  );
  return [kind, ...list].join(', ');
}
