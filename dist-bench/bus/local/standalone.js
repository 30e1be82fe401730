import { Hub } from './hub.js';
import { LocalBus } from './local-bus.js';
import { memoryLinkPair } from './memory-link.js';
/** The only member of a cluster of one process. */
const SELF = { id: 1, slot: 0, generation: 0 };
/** A whole bus in one process: hub and one worker, through the same frames as between processes. */
export function createStandalone(options) {
    const { warn = () => undefined } = options;
    const hub = new Hub({ ...options, warn });
    const [hubEnd, busEnd] = memoryLinkPair();
    hub.attach({ ...SELF, pid: process.pid }, hubEnd);
    const bus = new LocalBus(busEnd, { id: SELF.id, address: SELF.slot, generation: SELF.generation }, options);
    return {
        bus,
        hub,
        ready: () => hub.ready(SELF.id),
        close: async () => {
            hub.leaving(SELF.id);
            await bus.close();
            hub.close();
        },
    };
}
//# sourceMappingURL=standalone.js.map