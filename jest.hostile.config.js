import e2e from './jest.e2e.config.js';

/** What clients, handlers and the machine can do to real processes, and what must not come of it. */
export default {
  ...e2e,
  displayName: 'hostile',
  testMatch: ['<rootDir>/test/hostile/**/*.e2e-spec.ts'],
};
