export * from './bus.interface.js';
export { decode, encode } from './codec.js';
export { DeliveryRefused } from './delivery-refused.js';
export { maxFrameOf } from './local/frame.js';
export { Hub } from './local/hub.js';
export { LocalBus } from './local/local-bus.js';
export { memoryLinkPair } from './local/memory-link.js';
export { SocketLink } from './local/socket-link.js';
export { createStandalone } from './local/standalone.js';
//# sourceMappingURL=index.js.map