import { afterAll, afterEach } from '@jest/globals';
import { AppProcess, type AppOptions } from './app-process.js';

/** Starts apps and answers for their end. */
export interface Apps {
  /** An app for the running test; it is gone when the test ends, however it ends. */
  start(options: AppOptions): Promise<AppProcess>;
  /** An app for all tests of this describe or file, started in `beforeAll`. */
  share(options: AppOptions): Promise<AppProcess>;
}

/** Call it at the top of a file or describe: its hooks end every process that was started through it. */
export function useApps(): Apps {
  const ofTest: AppProcess[] = [];
  const ofSuite: AppProcess[] = [];
  afterEach(() => reap(ofTest));
  afterAll(() => reap(ofSuite));
  return {
    start: (options) => keep(options, ofTest),
    share: (options) => keep(options, ofSuite),
  };
}

async function keep(options: AppOptions, apps: AppProcess[]): Promise<AppProcess> {
  const app = await AppProcess.start(options);
  apps.push(app);
  return app;
}

/** Ends what still runs; fails where an app ended by itself and left a process behind. */
async function reap(apps: AppProcess[]): Promise<void> {
  const problems: unknown[] = [];
  for (const app of apps.splice(0)) {
    try {
      if (app.exit) app.assertNothingLeft();
    } catch (error) {
      problems.push(error);
    }
    await app.destroy();
  }
  if (problems.length > 0) throw new AggregateError(problems, problems.join('\n'));
}
