import { shared } from './jest.config.js';

/** The packed tarball, installed into empty projects. */
export default {
  ...shared,
  displayName: 'pack',
  testMatch: ['<rootDir>/test/pack/**/*.spec.ts'],
  maxWorkers: 1,
  testTimeout: 300_000,
};
