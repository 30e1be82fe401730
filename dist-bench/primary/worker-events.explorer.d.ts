import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { type WorkerEvent } from '../decorators/on-worker-event.decorator.js';
/** Finds `@OnWorkerEvent` methods in the primary module and calls them. */
export declare class WorkerEvents {
    private readonly discovery;
    private readonly scanner;
    private readonly logger;
    private readonly handlers;
    constructor(discovery: DiscoveryService, scanner: MetadataScanner);
    /** Registers the decorated methods of all providers and controllers, once for each instance. */
    explore(): void;
    /** Calls the handlers of `event`. What one throws is logged and keeps nobody else from being called. */
    emit(event: WorkerEvent, ...args: unknown[]): void;
    private register;
}
