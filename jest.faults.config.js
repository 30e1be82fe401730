import e2e from './jest.e2e.config.js';

/** Every fault at every phase of a worker's life, a phase to a file. */
export default {
  ...e2e,
  displayName: 'faults',
  testMatch: ['<rootDir>/test/faults/**/*.spec.ts'],
  // They wait more than they work, and each of jest's workers gives its apps ports of their own.
  maxWorkers: 2,
};
