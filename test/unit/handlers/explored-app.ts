import type { ModuleMetadata, INestApplication } from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryModule,
  DiscoveryService,
  ExternalContextCreator,
  MetadataScanner,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { HandlerInvoker } from '../../../lib/handlers/handler-invoker.js';
import { HandlerMetadataAccessor } from '../../../lib/handlers/handler-metadata.accessor.js';
import { HandlerRegistry } from '../../../lib/handlers/handler-registry.js';
import { HandlersExplorer } from '../../../lib/handlers/handlers.explorer.js';
import { withoutAppConfig } from '../../../lib/handlers/app-config.js';
import { ClusterEventContext } from '../../../lib/events/cluster-event-context.js';

export interface ExploredApp {
  readonly app: INestApplication;
  readonly registry: HandlerRegistry;
  readonly modules: ModulesContainer;
  readonly explorer: HandlersExplorer;
  /** What `handler` of a registry would give for an event with `data`. */
  answer(event: string, data?: unknown): Promise<unknown>;
  consume(event: string, data?: unknown): Promise<unknown>;
}

export function contextOf(event: string): ClusterEventContext {
  return new ClusterEventContext(event, '1', 0, 1, Infinity);
}

/** Boots an app of `metadata` and explores it, as the module does. */
export async function exploredApp(
  metadata: ModuleMetadata,
  prepare: (app: INestApplication) => void = () => undefined,
  runsTasks = true,
  inheritAppConfig = false,
): Promise<ExploredApp> {
  const testing = await Test.createTestingModule({
    ...metadata,
    imports: [DiscoveryModule, ...(metadata.imports ?? [])],
  }).compile();
  const app = testing.createNestApplication({ logger: false });
  prepare(app);
  await app.init();
  const registry = new HandlerRegistry();
  const modules = app.get(ModulesContainer, { strict: false });
  const pipeline = inheritAppConfig
    ? {
        creator: app.get(ExternalContextCreator, { strict: false }),
        config: app.get(ApplicationConfig, { strict: false }),
      }
    : withoutAppConfig(modules);
  const invoker = new HandlerInvoker(pipeline, modules, app.get(ModuleRef));
  const explorer = new HandlersExplorer(
    app.get(DiscoveryService, { strict: false }),
    app.get(MetadataScanner, { strict: false }),
    new HandlerMetadataAccessor(),
    invoker,
    registry,
    runsTasks,
  );
  explorer.explore();
  const run = async (which: 'answerer' | 'consumer', event: string, data: unknown) => {
    const handler = registry[which](event);
    if (handler === undefined) throw new Error(`no ${which} for ${event}`);
    return await handler.invoke(data, contextOf(event));
  };
  return {
    app,
    registry,
    modules,
    explorer,
    answer: (event, data) => run('answerer', event, data),
    consume: (event, data) => run('consumer', event, data),
  };
}
