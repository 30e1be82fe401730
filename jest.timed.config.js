import e2e from './jest.e2e.config.js';

/** Behaviour of real processes that is bound to a time or a rate: one file at a time, with the cores to itself. */
export default {
  ...e2e,
  displayName: 'timed',
  testMatch: ['<rootDir>/test/timed/**/*.e2e-spec.ts'],
  maxWorkers: 1,
};
