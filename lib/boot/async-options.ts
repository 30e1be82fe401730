import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CLUSTER_OPTIONS } from '../runtime/tokens.js';
import type {
  ClusterAsyncOptions,
  ClusterOptionsFactory,
  ResolvedClusterOptions,
} from '../options/cluster-options.interface.js';
import { quietly } from '../platform/nest-logger.js';
import { resolveOptions } from '../options/resolve-options.js';

@Module({})
class OptionsModule {}

/** Providers that create `CLUSTER_OPTIONS` from the options of `forRootAsync`. */
export function optionsProviders(given: ClusterAsyncOptions): Provider[] {
  const extra = given.extraProviders ?? [];
  if (given.useFactory) {
    const { useFactory } = given;
    const factory = async (...args: unknown[]) => resolveOptions(await useFactory(...args));
    return [...extra, { provide: CLUSTER_OPTIONS, useFactory: factory, inject: given.inject ?? [] }];
  }
  const token = (given.useClass ?? given.useExisting)!;
  const factory = async (source: ClusterOptionsFactory) => resolveOptions(await source.createClusterOptions());
  const options: Provider = { provide: CLUSTER_OPTIONS, useFactory: factory, inject: [token] };
  return given.useClass ? [...extra, { provide: token, useClass: given.useClass }, options] : [...extra, options];
}

/** Resolves the options in a temporary context that contains only their imports and their factory. */
export async function resolveOptionsAlone(given: ClusterAsyncOptions): Promise<ResolvedClusterOptions> {
  const module: DynamicModule = {
    module: OptionsModule,
    imports: [...(given.imports ?? [])],
    providers: optionsProviders(given),
  };
  return quietly(async () => {
    const context = await NestFactory.createApplicationContext(module, { abortOnError: false });
    try {
      return context.get<ResolvedClusterOptions>(CLUSTER_OPTIONS);
    } finally {
      await context.close();
    }
  });
}
