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
import { Inject, Injectable } from '@nestjs/common';
import { BUS, RUNTIME } from '../cluster.constants.js';
import { Dispatcher } from '../messenger/dispatcher.js';
/** What this process is in the cluster, and who else is there. @publicApi */
let ClusterService = class ClusterService {
    runtime;
    bus;
    dispatcher;
    constructor(runtime, bus, dispatcher) {
        this.runtime = runtime;
        this.bus = bus;
        this.dispatcher = dispatcher;
    }
    /** `'worker'`, `'primary'` or, without a cluster, `'standalone'`. */
    get role() {
        return this.runtime.role;
    }
    /** This worker's slot, 0…N−1: stable across restarts and reloads. 0 standalone, −1 in the primary. */
    get slot() {
        return this.runtime.slot;
    }
    /** Generation of the build this worker runs, from 1; a reload counts it up. */
    get generation() {
        return this.runtime.generation;
    }
    /**
     * Whether this worker leads right now. At most one does at a time, by a lease of
     * `watchdog.suspectAfter` ms that its heartbeat renews. True standalone, false in the primary.
     */
    get isLeader() {
        return this.runtime.isLeader;
    }
    /** The ready workers, by slot, as last heard. */
    members() {
        return this.bus.members;
    }
    /** The ready workers, now and whenever they change. */
    get members$() {
        return this.dispatcher.members$;
    }
    /**
     * Changes the number of workers; resolves when that many are ready.
     *
     * @throws ClusterRequestError for anything but a whole number from 1, and while the cluster stops
     * @throws ClusterDisabledError standalone
     */
    scale(workers) {
        return this.runtime.scale(workers);
    }
};
ClusterService = __decorate([
    Injectable(),
    __param(0, Inject(RUNTIME)),
    __param(1, Inject(BUS)),
    __param(2, Inject(Dispatcher)),
    __metadata("design:paramtypes", [Object, Object, Dispatcher])
], ClusterService);
export { ClusterService };
//# sourceMappingURL=cluster.service.js.map