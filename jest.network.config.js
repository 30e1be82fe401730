import e2e from './jest.e2e.config.js';

/** Hosts and brokers on networks of the tests' own that are disturbed: minutes of load, one file at a time. */
export default {
  ...e2e,
  displayName: 'network',
  testMatch: ['<rootDir>/test/network/**/*.spec.ts'],
  testTimeout: 900_000,
  maxWorkers: 1,
};
