import type { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { HandlerInvoker } from './handler-invoker.js';
import type { HandlerMetadataAccessor } from './handler-metadata.accessor.js';
import type { HandlerRegistry } from './handler-registry.js';
/** Finds the decorated methods of all providers and controllers of the app. */
export declare class HandlersExplorer {
    #private;
    private readonly discovery;
    private readonly scanner;
    private readonly accessor;
    private readonly invoker;
    private readonly registry;
    constructor(discovery: DiscoveryService, scanner: MetadataScanner, accessor: HandlerMetadataAccessor, invoker: HandlerInvoker, registry: HandlerRegistry);
    /** Registers them. Call it once, when all providers are constructed (`onModuleInit`). */
    explore(): void;
}
