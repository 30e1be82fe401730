var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
var __metadata = (this && this.__metadata) || function (k, v) {
    if (typeof Reflect === "object" && typeof Reflect.metadata === "function") return Reflect.metadata(k, v);
};
var __param = (this && this.__param) || function (paramIndex, decorator) {
    return function (target, key) { decorator(target, key, paramIndex); }
};
var ClusterCoreModule_1;
import { Global, Inject, Module, } from '@nestjs/common';
import { ApplicationConfig, DiscoveryModule, DiscoveryService, ExternalContextCreator, MetadataScanner, ModuleRef, ModulesContainer, } from '@nestjs/core';
import { BUS, CLUSTER_OPTIONS, RUNTIME } from '../cluster.constants.js';
import { ClusterService } from '../cluster/cluster.service.js';
import { ClusterOptionsError } from '../errors/index.js';
import { HandlerInvoker, HandlerMetadataAccessor, HandlerRegistry, HandlersExplorer } from '../handlers/index.js';
import { Dispatcher, MessengerService } from '../messenger/index.js';
import { inProduction } from '../platform/environment.js';
import { ReloadService } from '../reload/reload.service.js';
import { setLeadership } from './leadership.js';
const SERVICES = [
    { provide: BUS, useFactory: (runtime) => runtime.bus, inject: [RUNTIME] },
    HandlerRegistry,
    {
        provide: Dispatcher,
        useFactory: (runtime, registry, { messenger }) => new Dispatcher(runtime.bus, registry, { maxPayload: messenger.maxPayload, stacks: !inProduction() }),
        inject: [RUNTIME, HandlerRegistry, CLUSTER_OPTIONS],
    },
    {
        provide: MessengerService,
        useFactory: (runtime, registry, dispatcher, { messenger }) => new MessengerService(runtime.bus, registry, dispatcher, {
            slots: () => runtime.slots,
            standalone: runtime.role === 'standalone',
            timeout: messenger.timeout,
            maxPayload: messenger.maxPayload,
            stacks: !inProduction(),
        }),
        inject: [RUNTIME, HandlerRegistry, Dispatcher, CLUSTER_OPTIONS],
    },
    {
        provide: HandlersExplorer,
        useFactory: (discovery, scanner, creator, config, modules, moduleRef, registry) => {
            const invoker = new HandlerInvoker(creator, config, modules, moduleRef);
            return new HandlersExplorer(discovery, scanner, new HandlerMetadataAccessor(), invoker, registry);
        },
        inject: [
            DiscoveryService,
            MetadataScanner,
            ExternalContextCreator,
            ApplicationConfig,
            ModulesContainer,
            ModuleRef,
            HandlerRegistry,
        ],
    },
    ClusterService,
    ReloadService,
];
/** The services, the same in worker, primary and standalone; what differs is the runtime they stand on. */
let ClusterCoreModule = ClusterCoreModule_1 = class ClusterCoreModule {
    runtime;
    messenger;
    explorer;
    modules;
    constructor(runtime, messenger, explorer, modules) {
        this.runtime = runtime;
        this.messenger = messenger;
        this.explorer = explorer;
        this.modules = modules;
    }
    /** @param providers of `RUNTIME` and `CLUSTER_OPTIONS`, and what these need */
    static register(providers, imports = []) {
        return {
            module: ClusterCoreModule_1,
            imports: [DiscoveryModule, ...imports],
            providers: [...providers, ...SERVICES],
            exports: [RUNTIME, CLUSTER_OPTIONS, Dispatcher, MessengerService, ClusterService, ReloadService],
        };
    }
    async onModuleInit() {
        this.refuseASecondCluster();
        setLeadership(() => this.runtime.isLeader);
        this.explorer.explore();
        await this.messenger.open();
    }
    onApplicationBootstrap() {
        this.runtime.bootstrapped();
    }
    async onApplicationShutdown() {
        await this.messenger.close();
        await this.runtime.closed();
    }
    refuseASecondCluster() {
        const clusters = [...this.modules.values()].filter(({ metatype }) => metatype === ClusterCoreModule_1);
        if (clusters.length === 1)
            return;
        const error = new ClusterOptionsError(`ClusterModule.forRoot() or forRootAsync() is imported ${clusters.length} times in one app. Call it once, in the ` +
            `root module; its services are injectable everywhere.`);
        this.runtime.refused(error);
        throw error;
    }
};
ClusterCoreModule = ClusterCoreModule_1 = __decorate([
    Global(),
    Module({}),
    __param(0, Inject(RUNTIME)),
    __param(1, Inject(MessengerService)),
    __param(2, Inject(HandlersExplorer)),
    __param(3, Inject(ModulesContainer)),
    __metadata("design:paramtypes", [Object, MessengerService,
        HandlersExplorer,
        ModulesContainer])
], ClusterCoreModule);
export { ClusterCoreModule };
//# sourceMappingURL=core.module.js.map