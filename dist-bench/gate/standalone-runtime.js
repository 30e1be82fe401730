import { NEVER } from 'rxjs';
import { createStandalone } from '../bus/index.js';
import { ClusterDisabledError } from '../errors/index.js';
/** A cluster of one: no fork, the same bus and the same serialisation. */
export class StandaloneRuntime {
    role = 'standalone';
    slot = 0;
    generation = 1;
    isLeader = true;
    slots = 1;
    reloadProgress = NEVER;
    bus;
    cluster;
    constructor(options, warn) {
        const { maxPayload, queueLimit } = options.messenger;
        this.cluster = createStandalone({ maxPayload, queueLimit, warn });
        this.bus = this.cluster.bus;
    }
    reload() {
        return Promise.reject(new ClusterDisabledError('ReloadService.reload()'));
    }
    scale() {
        return Promise.reject(new ClusterDisabledError('ClusterService.scale()'));
    }
    bootstrapped() {
        this.cluster.ready();
    }
    refused() {
        // The error itself reaches whoever boots the application.
    }
    async closed() {
        await this.cluster.close();
    }
}
//# sourceMappingURL=standalone-runtime.js.map