import 'reflect-metadata';
import { UseFilters, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
const pass = {
    canActivate: () => true,
    transform: () => undefined,
    intercept: () => undefined,
    catch: () => undefined,
};
// Asked of Nest's own decorators: a key that Nest renames must not let a guard go unseen.
const GUARDS = keyWrittenBy(UseGuards(pass));
const PIPES = keyWrittenBy(UsePipes(pass));
const INTERCEPTORS = keyWrittenBy(UseInterceptors(pass));
const FILTERS = keyWrittenBy(UseFilters(pass));
/** What is bound globally, to one of `classes`, or to `method`. */
export function boundEnhancers(config, classes, method) {
    const hosts = [method, ...classes.filter((host) => typeof host === 'function')];
    const bound = (key) => key === undefined || hosts.some((host) => Reflect.hasMetadata(key, host));
    const filters = config.getGlobalFilters().length > 0 || config.getGlobalRequestFilters().length > 0 || bound(FILTERS);
    const any = filters ||
        config.getGlobalGuards().length > 0 ||
        config.getGlobalRequestGuards().length > 0 ||
        config.getGlobalPipes().length > 0 ||
        config.getGlobalRequestPipes().length > 0 ||
        config.getGlobalInterceptors().length > 0 ||
        config.getGlobalRequestInterceptors().length > 0 ||
        [GUARDS, PIPES, INTERCEPTORS].some(bound);
    return { any, filters };
}
/** The metadata key that `decorator` writes; undefined, and then everything counts as bound, if it writes none. */
function keyWrittenBy(decorator) {
    const probe = () => undefined;
    decorator({}, 'probe', { value: probe });
    return Reflect.getMetadataKeys(probe)[0];
}
//# sourceMappingURL=enhancers.js.map