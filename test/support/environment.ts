import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';

/** Top of the repository. */
export const ROOT = dirname(dirname(import.meta.dirname));

/** The node binary that runs the apps under test. */
export const NODE = process.env['NODE_UNDER_TEST'] ?? process.execPath;

/** Whether that node can keep compiled code (22.8 and newer). */
export const NODE_HAS_COMPILE_CACHE =
  execFileSync(NODE, ['-p', "'enableCompileCache' in require('node:module')"], { encoding: 'utf8' }).trim() === 'true';

/** What npm, jest and a developer's shell say that would change how an app under test runs. */
const NOT_A_USERS =
  /^(npm_|JEST_|VITEST|NODE_TEST_CONTEXT$|NODE_ENV$|NODE_OPTIONS$|WEB_CONCURRENCY$|PORT$|FORCE_COLOR$)/;

/** This process's environment as a user's shell would have it. */
export function userEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !NOT_A_USERS.test(name));
  return { ...Object.fromEntries(entries), NO_COLOR: '1' };
}

/** Entry file of a sample, built. */
export function sample(name: string): string {
  return join(ROOT, 'sample', name, 'dist', 'main.js');
}

/** Entry file of a fixture app, built: `fixture('app/express.main')`. */
export function fixture(name: string): string {
  return join(ROOT, 'test', 'e2e', 'fixtures', 'dist', `${name}.js`);
}
