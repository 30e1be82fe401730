import type { MessengerOptions } from '../options/cluster-options.interface.js';
import { inRootContext } from '../platform/async-context.js';
import { type Clock, systemClock } from '../platform/clock.js';
import type { Bus, MemberLoad } from '../bus/bus.interface.js';
import type { EngineProvider } from '../bus/engine.interface.js';
import { type Contact, DistributedBus, HEADER_ROOM } from '../distributed-bus/distributed-bus.js';
import type { Identity } from '../distributed-bus/presence.js';

/** The options for joining the other hosts, and functions that inform the operator. */
export interface Joining {
  readonly engine: EngineProvider;
  readonly messenger: Required<Omit<MessengerOptions, 'engine'>>;
  readonly warn: (message: string) => void;
  readonly log: (message: string) => void;
  readonly load?: () => MemberLoad | undefined;
  readonly contact: Contact;
  readonly clock?: Clock;
}

/**
 * Makes this process a member among the processes of all hosts. It joins when the returned bus is opened.
 *
 * @param local the embedded bus of its host, not yet opened
 * @throws ClusterOptionsError if the engine cannot be created, for example because a package is missing
 */
export async function joinHosts(
  { engine, messenger, warn, log, load, contact, clock = systemClock }: Joining,
  local: Bus,
  identity: Omit<Identity, 'host'>,
): Promise<DistributedBus> {
  const { cluster, environment, host, lease, maxPayload, queueLimit } = messenger;
  const place = identity.address === 'primary' ? 'primary' : `slot ${identity.address}`;
  const maxMessage = maxPayload + HEADER_ROOM;
  const made = await engine.create({ cluster, environment, client: `${cluster}@${host} ${place}`, maxMessage });
  return new DistributedBus(
    made,
    local,
    { ...identity, host },
    {
      maxPayload,
      queueLimit,
      lease,
      clock,
      // In the root context: the line must not carry the id of a request whose call happened to cause it.
      warn: (message) => inRootContext(() => warn(message)),
      log: (message) => inRootContext(() => log(message)),
      load,
      contact,
    },
  );
}
