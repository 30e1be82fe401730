import e2e from './jest.e2e.config.js';

/** The engines and hosts over real brokers, which each file starts for itself: they wait more than they work. */
export default {
  ...e2e,
  displayName: 'brokers',
  testMatch: ['<rootDir>/test/brokers/**/*.spec.ts'],
  maxWorkers: 2,
};
