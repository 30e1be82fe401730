import { shared } from './jest.config.js';

/** Behaviour of real processes: the built dist/ and samples. One file at a time, since they share the cores. */
export default {
  ...shared,
  displayName: 'e2e',
  testMatch: ['<rootDir>/test/e2e/**/*.e2e-spec.ts'],
  modulePathIgnorePatterns: [],
  maxWorkers: 1,
  testTimeout: 60_000,
};
