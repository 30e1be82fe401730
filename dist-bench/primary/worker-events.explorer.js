var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
var __metadata = (this && this.__metadata) || function (k, v) {
    if (typeof Reflect === "object" && typeof Reflect.metadata === "function") return Reflect.metadata(k, v);
};
import { Injectable, Logger } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { LOG_CONTEXT } from '../cluster.constants.js';
import { workerEventsOf } from '../decorators/on-worker-event.decorator.js';
/** Finds `@OnWorkerEvent` methods in the primary module and calls them. */
let WorkerEvents = class WorkerEvents {
    discovery;
    scanner;
    logger = new Logger(LOG_CONTEXT);
    handlers = new Map();
    constructor(discovery, scanner) {
        this.discovery = discovery;
        this.scanner = scanner;
    }
    /** Registers the decorated methods of all providers and controllers, once for each instance. */
    explore() {
        const instances = new Set();
        for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
            const instance = wrapper.instance;
            if (!wrapper.isAlias && typeof instance === 'object' && instance !== null)
                instances.add(instance);
        }
        for (const instance of instances)
            this.register(instance);
    }
    /** Calls the handlers of `event`. What one throws is logged and keeps nobody else from being called. */
    emit(event, ...args) {
        for (const { label, handle } of this.handlers.get(event) ?? []) {
            new Promise((resolve) => resolve(handle(...args))).catch((error) => {
                const stack = error instanceof Error ? error.stack : String(error);
                this.logger.error(`${label} failed in @OnWorkerEvent('${event}')`, stack);
            });
        }
    }
    register(instance) {
        const prototype = Object.getPrototypeOf(instance);
        if (!prototype)
            return;
        for (const name of this.scanner.getAllMethodNames(prototype)) {
            const method = instance[name];
            if (typeof method !== 'function')
                continue;
            for (const event of workerEventsOf(method)) {
                const handlers = this.handlers.get(event) ?? [];
                handlers.push({
                    label: `${prototype.constructor.name}.${name}`,
                    handle: (...args) => method.apply(instance, args),
                });
                this.handlers.set(event, handlers);
            }
        }
    }
};
WorkerEvents = __decorate([
    Injectable(),
    __metadata("design:paramtypes", [DiscoveryService,
        MetadataScanner])
], WorkerEvents);
export { WorkerEvents };
//# sourceMappingURL=worker-events.explorer.js.map