import { ApplicationConfig, ExternalContextCreator, type ModulesContainer } from '@nestjs/core';

/** What creates Nest's pipeline around a handler, and the global guards, pipes, interceptors and filters it applies. */
export interface Pipeline {
  readonly creator: ExternalContextCreator;
  readonly config: ApplicationConfig;
}

type Container = Parameters<(typeof ExternalContextCreator)['fromContainer']>[0];

/**
 * A pipeline without anything global: `useGlobalGuards`, `APP_GUARD` and the like are made for HTTP requests. What is
 * bound to a handler or its class still applies. Nest keeps them out of a hybrid's microservices in the same way.
 */
export function withoutAppConfig(modules: ModulesContainer): Pipeline {
  const config = new ApplicationConfig();
  const container = { applicationConfig: config, getModules: () => modules };
  return { creator: ExternalContextCreator.fromContainer(container as unknown as Container), config };
}
