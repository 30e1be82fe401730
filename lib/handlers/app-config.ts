import { ApplicationConfig, ExternalContextCreator, type ModulesContainer } from '@nestjs/core';

/** What Nest's pipeline around a handler is made by, and the global guards, pipes, interceptors and filters it has. */
export interface Pipeline {
  readonly creator: ExternalContextCreator;
  readonly config: ApplicationConfig;
}

type Container = Parameters<(typeof ExternalContextCreator)['fromContainer']>[0];

/**
 * A pipeline without anything global: `useGlobalGuards`, `APP_GUARD` and their like are made for HTTP requests. What is
 * bound to a handler or its class is found as ever. It is how Nest keeps them out of the microservices of a hybrid.
 */
export function withoutAppConfig(modules: ModulesContainer): Pipeline {
  const config = new ApplicationConfig();
  const container = { applicationConfig: config, getModules: () => modules };
  return { creator: ExternalContextCreator.fromContainer(container as unknown as Container), config };
}
