import { Hub, type HubOptions } from './hub/hub.js';
import { LocalBus, type LocalBusOptions } from './local-bus.js';
import { memoryLinkPair } from './wire/memory-link.js';

/** The only member of a cluster of one process. */
const SELF = { id: 1, slot: 0, generation: 0 } as const;

export interface Standalone {
  /** The bus of the one worker; `open` it. */
  readonly bus: LocalBus;
  readonly hub: Hub;
  /** Makes the worker a member: from then on it gets broadcasts, requests and tasks. */
  ready(): void;
  /** Takes the worker out again: it is sent nothing new, and its end is expected. */
  leave(): void;
  /** Ends the bus after what is queued was delivered. */
  close(): Promise<void>;
}

/** A whole bus in one process: hub and one worker, through the same frames as between processes. */
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
