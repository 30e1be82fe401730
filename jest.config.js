/**
 * What every run of jest here has in common: TypeScript ESM through swc, no babel.
 * `./x.js` finds `./x.ts` where there is no such `.js`; a package's own relative imports stay untouched.
 */
export const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'] },
  transform: { '^.+\\.ts$': '@swc/jest' },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/sample/', '<rootDir>/bench/'],
  coverageProvider: 'v8',
};

/** Unit tests: in-process, no real time, in parallel. */
export default {
  ...shared,
  displayName: 'unit',
  testMatch: ['<rootDir>/test/unit/**/*.spec.ts'],
  collectCoverageFrom: ['lib/**/*.ts'],
  // They wait for nothing; a busy machine may still take its time.
  testTimeout: 60_000,
};
