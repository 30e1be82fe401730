import { type Observable } from 'rxjs';
import type { Bus } from '../bus/bus.interface.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import type { ReloadProgress, ReloadReport } from '../reload/reload.interface.js';
import type { ProcessRuntime } from './process-runtime.interface.js';
/** A cluster of one: no fork, the same bus and the same serialisation. */
export declare class StandaloneRuntime implements ProcessRuntime {
    readonly role = "standalone";
    readonly slot = 0;
    readonly generation = 1;
    readonly isLeader = true;
    readonly slots = 1;
    readonly reloadProgress: Observable<ReloadProgress>;
    readonly bus: Bus;
    private readonly cluster;
    constructor(options: ResolvedClusterOptions, warn: (message: string) => void);
    reload(): Promise<ReloadReport>;
    scale(): Promise<void>;
    bootstrapped(): void;
    refused(): void;
    closed(): Promise<void>;
}
