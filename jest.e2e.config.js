import { shared } from './jest.config.js';

/** Behaviour of real processes: the built dist/ and samples. Two files at a time: they wait more than they work. */
export default {
  ...shared,
  displayName: 'e2e',
  testMatch: ['<rootDir>/test/e2e/**/*.e2e-spec.ts'],
  modulePathIgnorePatterns: [],
  maxWorkers: 2,
  testTimeout: 180_000,
};
