import { Hub, type HubOptions } from './hub.js';
import { LocalBus, type LocalBusOptions } from './local-bus.js';
export interface Standalone {
    /** The bus of the one worker; `open` it. */
    readonly bus: LocalBus;
    readonly hub: Hub;
    /** Makes the worker a member: from then on it gets broadcasts, requests and tasks. */
    ready(): void;
    /** Ends the bus after what is queued was delivered. */
    close(): Promise<void>;
}
/** A whole bus in one process: hub and one worker, through the same frames as between processes. */
export declare function createStandalone(options: LocalBusOptions & Pick<HubOptions, 'now'> & Partial<Pick<HubOptions, 'warn'>>): Standalone;
