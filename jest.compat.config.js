import e2e from './jest.e2e.config.js';

/** Small apps of what people combine with Nest, as real processes: started, loaded, reloaded, killed and stopped. */
export default {
  ...e2e,
  displayName: 'compat',
  testMatch: ['<rootDir>/test/compat/**/*.e2e-spec.ts'],
};
