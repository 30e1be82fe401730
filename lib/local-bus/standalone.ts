import { Hub, type HubOptions } from './hub/hub.js';
import { LocalBus, type LocalBusOptions } from './local-bus.js';
import { memoryLinkPair } from './wire/memory-link.js';

/** The only member of a cluster that is one process. */
const SELF = { id: 1, slot: 0, generation: 0 } as const;

export interface Standalone {
  /** The bus of the only worker. The caller has to `open` it. */
  readonly bus: LocalBus;
  readonly hub: Hub;
  /** Makes the worker a member: from then on it gets broadcasts, requests and tasks. */
  ready(): void;
  /** Makes the worker leave: it gets nothing new, and its end is expected. */
  leave(): void;
  /** Closes the bus after everything in the queue was delivered. */
  close(): Promise<void>;
}

/** Creates a whole bus in one process: the hub and one worker, which exchange the same frames as processes do. */
export function createStandalone(
  options: LocalBusOptions & Pick<HubOptions, 'now'> & Partial<Pick<HubOptions, 'warn'>>,
): Standalone {
  const { warn = () => undefined } = options;
  const hub = new Hub({ ...options, warn });
  const [hubEnd, busEnd] = memoryLinkPair();
  hub.attach({ ...SELF, pid: process.pid }, hubEnd);
  const bus = new LocalBus(busEnd, { id: SELF.id, address: SELF.slot, generation: SELF.generation }, options);
  return {
    bus,
    hub,
    ready: () => hub.ready(SELF.id),
    leave: () => hub.leaving(SELF.id),
    close: async () => {
      hub.leaving(SELF.id);
      await bus.close();
      hub.close();
    },
  };
}
