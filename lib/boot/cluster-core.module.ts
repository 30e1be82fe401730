import {
  Global,
  Inject,
  Module,
  type DynamicModule,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryModule,
  DiscoveryService,
  ExternalContextCreator,
  LazyModuleLoader,
  MetadataScanner,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import { filter, firstValueFrom } from 'rxjs';
import { BUS, CLUSTER_OPTIONS, RUNTIME } from '../runtime/tokens.js';
import { ClusterService } from '../services/cluster.service.js';
import { DeadLetterService } from '../services/dead-letter.service.js';
import { ClusterOptionsError } from '../errors/errors.js';
import { HandlerInvoker } from '../handlers/handler-invoker.js';
import { HandlerMetadataAccessor } from '../handlers/handler-metadata.accessor.js';
import { HandlerRegistry } from '../handlers/handler-registry.js';
import { HandlerScope } from '../handlers/handler-scope.js';
import { HandlersExplorer } from '../handlers/handlers.explorer.js';
import { onLazyLoad } from '../handlers/lazy-modules.js';
import { withoutAppConfig } from '../handlers/app-config.js';
import { BusConnection } from '../messenger/bus-connection.js';
import { Dispatcher } from '../messenger/dispatcher.js';
import { MessengerService } from '../services/messenger.service.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import { inProduction } from '../platform/environment.js';
import { ReloadService } from '../services/reload.service.js';
import { setLeadership } from '../decorators/leader-flag.js';
import type { ProcessRuntime } from '../runtime/process-runtime.interface.js';

const SERVICES: Provider[] = [
  { provide: BUS, useFactory: (runtime: ProcessRuntime) => runtime.bus, inject: [RUNTIME] },
  {
    provide: BusConnection,
    useFactory: (runtime: ProcessRuntime, { messenger }: ResolvedClusterOptions) =>
      runtime.connect(() => {
        const registry = new HandlerRegistry();
        const settings = { maxPayload: messenger.maxPayload, stacks: !inProduction() };
        return new BusConnection(runtime.bus, registry, new Dispatcher(runtime.bus, registry, settings));
      }),
    inject: [RUNTIME, CLUSTER_OPTIONS],
  },
  { provide: Dispatcher, useFactory: (connection: BusConnection) => connection.dispatcher, inject: [BusConnection] },
  {
    provide: HandlerScope,
    useFactory: (connection: BusConnection) => new HandlerScope(connection.registry),
    inject: [BusConnection],
  },
  {
    provide: MessengerService,
    useFactory: (
      runtime: ProcessRuntime,
      connection: BusConnection,
      handlers: HandlerScope,
      { messenger }: ResolvedClusterOptions,
    ) => {
      const settings = {
        slots: () => runtime.slots,
        standalone: runtime.role === 'standalone',
        timeout: messenger.timeout,
        maxPayload: messenger.maxPayload,
        stacks: !inProduction(),
      };
      return new MessengerService(connection, settings, handlers);
    },
    inject: [RUNTIME, BusConnection, HandlerScope, CLUSTER_OPTIONS],
  },
  {
    provide: HandlersExplorer,
    useFactory: (
      discovery: DiscoveryService,
      scanner: MetadataScanner,
      creator: ExternalContextCreator,
      config: ApplicationConfig,
      modules: ModulesContainer,
      moduleRef: ModuleRef,
      handlers: HandlerScope,
      { role }: ProcessRuntime,
      { inheritAppConfig }: ResolvedClusterOptions,
    ) => {
      const pipeline = inheritAppConfig ? { creator, config } : withoutAppConfig(modules);
      const invoker = new HandlerInvoker(pipeline, modules, moduleRef);
      const accessor = new HandlerMetadataAccessor();
      return new HandlersExplorer(discovery, scanner, accessor, invoker, handlers, role !== 'primary');
    },
    inject: [
      DiscoveryService,
      MetadataScanner,
      ExternalContextCreator,
      ApplicationConfig,
      ModulesContainer,
      ModuleRef,
      HandlerScope,
      RUNTIME,
      CLUSTER_OPTIONS,
    ],
  },
  ClusterService,
  DeadLetterService,
  ReloadService,
];

/** The services. They are the same in a worker, in the primary and standalone; only the runtime below them differs. */
@Global()
@Module({})
export class ClusterCoreModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly opened: Promise<void>;

  constructor(
    @Inject(RUNTIME) private readonly runtime: ProcessRuntime,
    @Inject(BusConnection) connection: BusConnection,
    @Inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @Inject(HandlerScope) private readonly handlers: HandlerScope,
    @Inject(MessengerService) private readonly messenger: MessengerService,
    @Inject(HandlersExplorer) private readonly explorer: HandlersExplorer,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(LazyModuleLoader) private readonly lazyModules: LazyModuleLoader,
  ) {
    // Opened before any module's onModuleInit, because one that runs before this module's may await a call.
    this.opened = connection.open();
    this.opened.catch(() => {});
  }

  /** @param providers those of `RUNTIME` and `CLUSTER_OPTIONS`, and what these need */
  static register(providers: Provider[], imports: ModuleMetadata['imports'] = []): DynamicModule {
    return {
      module: ClusterCoreModule,
      imports: [DiscoveryModule, ...imports],
      providers: [...providers, ...SERVICES],
      exports: [
        RUNTIME,
        CLUSTER_OPTIONS,
        Dispatcher,
        MessengerService,
        ClusterService,
        DeadLetterService,
        ReloadService,
      ],
    };
  }

  async onModuleInit(): Promise<void> {
    this.refuseASecondCluster();
    setLeadership(() => this.runtime.isLeader);
    this.explorer.explore();
    onLazyLoad(this.lazyModules, this.modules, (loaded) => this.explorer.explore(loaded));
    await this.opened;
  }

  async onApplicationBootstrap(): Promise<void> {
    this.runtime.bootstrapped();
    // So a test that has booted the app finds a complete cluster.
    if (this.runtime.role !== 'standalone') return;
    await firstValueFrom(this.dispatcher.members$.pipe(filter((members) => members.length > 0)), { defaultValue: [] });
  }

  async onApplicationShutdown(): Promise<void> {
    this.handlers.release();
    this.messenger.close();
    await this.runtime.closed();
  }

  private refuseASecondCluster(): void {
    const clusters = [...this.modules.values()].filter(({ metatype }) => metatype === ClusterCoreModule);
    if (clusters.length === 1) return;
    const error = new ClusterOptionsError(
      `ClusterModule.forRoot() or forRootAsync() is imported ${clusters.length} times in one app. Call it once, in the ` +
        `root module; its services are injectable everywhere.`,
    );
    this.runtime.refused(error);
    throw error;
  }
}
