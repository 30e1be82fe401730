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
import { RUNTIME } from '../cluster.constants.js';
/** Asks the primary for a rolling reload. @publicApi */
let ReloadService = class ReloadService {
    runtime;
    constructor(runtime) {
        this.runtime = runtime;
    }
    /**
     * Replaces every worker by one that runs the code now on disk, without losing a request: the first must
     * become ready and stay healthy for `reload.canaryTime` ms; then the others follow, the caller's own
     * worker last. Calls during a reload share it. Resolves when the new generation serves every slot.
     *
     * @throws ReloadError with the reason and the new worker's last words when a worker of the new build
     *   fails (the old ones go on serving), or when the cluster is stopping
     * @throws ClusterDisabledError standalone
     */
    reload() {
        return this.runtime.reload();
    }
    /** How far a reload is, whoever asked for it. Hot: what happened before is not repeated. */
    get progress$() {
        return this.runtime.reloadProgress;
    }
};
ReloadService = __decorate([
    Injectable(),
    __param(0, Inject(RUNTIME)),
    __metadata("design:paramtypes", [Object])
], ReloadService);
export { ReloadService };
//# sourceMappingURL=reload.service.js.map