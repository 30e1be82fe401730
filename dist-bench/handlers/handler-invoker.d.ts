import 'reflect-metadata';
import { ModuleRef } from '@nestjs/core';
import type { ApplicationConfig, DiscoveryService, ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import type { ClusterEventContext } from '../messenger/cluster-event-context.js';
import type { Handler } from './handler.interface.js';
/** What Nest keeps of one provider or controller. */
export type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];
type Invoke = Handler['invoke'];
/** What a request-scoped provider gets when it injects REQUEST in an event. @publicApi */
export interface ClusterEventRequest {
    readonly data: unknown;
    readonly context: ClusterEventContext;
}
/** Turns a decorated method of a provider or controller into something that runs like any Nest handler. */
export declare class HandlerInvoker {
    #private;
    private readonly contextCreator;
    private readonly config;
    private readonly modules;
    private readonly moduleRef;
    constructor(contextCreator: ExternalContextCreator, config: ApplicationConfig, modules: ModulesContainer, moduleRef: ModuleRef);
    /** The invocation of `wrapper`'s method, with all that is bound to it around it. */
    create(wrapper: InstanceWrapper, name: string): Invoke;
}
/** The last value of an Observable, anything else as it is: what Nest makes of a handler's result. */
export declare function settled(result: unknown): unknown;
export {};
