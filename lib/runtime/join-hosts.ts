import type { MessengerOptions } from '../options/cluster-options.interface.js';
import { inRootContext } from '../platform/async-context.js';
import { type Clock, systemClock } from '../platform/clock.js';
import type { Bus, MemberLoad } from '../bus/bus.interface.js';
import type { EngineProvider } from '../bus/engine.interface.js';
import { type Contact, DistributedBus, HEADER_ROOM } from '../distributed-bus/distributed-bus.js';
import type { Identity } from '../distributed-bus/presence.js';

/** What the options say, and how this process says what an operator should know. */
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
 * Makes this process a member among those of all hosts, once its bus is opened.
 *
 * @param local the embedded bus of its host, not opened yet
 * @throws ClusterOptionsError where the engine cannot be made, such as for a missing package
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
      // Not in the name of the request whose call ran into it.
      warn: (message) => inRootContext(() => warn(message)),
      log: (message) => inRootContext(() => log(message)),
      load,
      contact,
    },
  );
}
