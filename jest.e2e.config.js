import { shared } from './jest.config.js';

/**
 * Behaviour of real processes: the built dist/ and samples. They wait more than they work, and each of jest's workers
 * gives its apps ports of their own: two files run at a time.
 */
export default {
  ...shared,
  displayName: 'e2e',
  testMatch: ['<rootDir>/test/e2e/**/*.e2e-spec.ts'],
  modulePathIgnorePatterns: [],
  maxWorkers: 2,
  testTimeout: 60_000,
};
