import { NestApplicationContext } from '@nestjs/core';
/**
 * The one place that touches Nest's inside: Nest tells nobody when the last bootstrap hook of an
 * application is done, nor hands the application to its modules, and `enableShutdownHooks()` would close
 * a worker at a signal that is meant for the primary. All three kinds of application inherit these two
 * methods (Nest 11 and 12).
 *
 * @param onBootstrapped called with each application after its last bootstrap hook
 */
export function watchApplications(onBootstrapped) {
    const prototype = NestApplicationContext.prototype;
    const callBootstrapHook = prototype.callBootstrapHook;
    prototype.callBootstrapHook = async function () {
        await callBootstrapHook.call(this);
        onBootstrapped(this);
    };
    // The hooks themselves run all the same: the drain ends with app.close().
    prototype.listenToShutdownSignals = () => { };
}
//# sourceMappingURL=nest-application.js.map