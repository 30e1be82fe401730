import { type DynamicModule, type ModuleMetadata, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleInit, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { HandlersExplorer } from '../handlers/index.js';
import { MessengerService } from '../messenger/index.js';
import type { ProcessRuntime } from './process-runtime.interface.js';
/** The services, the same in worker, primary and standalone; what differs is the runtime they stand on. */
export declare class ClusterCoreModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
    private readonly runtime;
    private readonly messenger;
    private readonly explorer;
    private readonly modules;
    constructor(runtime: ProcessRuntime, messenger: MessengerService, explorer: HandlersExplorer, modules: ModulesContainer);
    /** @param providers of `RUNTIME` and `CLUSTER_OPTIONS`, and what these need */
    static register(providers: Provider[], imports?: ModuleMetadata['imports']): DynamicModule;
    onModuleInit(): Promise<void>;
    onApplicationBootstrap(): void;
    onApplicationShutdown(): Promise<void>;
    private refuseASecondCluster;
}
