import type { DynamicModule, INestApplication, Type } from '@nestjs/common';

/** What an app is made of, beside what all have; `FEATURES` names the files in `features/`. */
export interface Feature {
  readonly module: Type | DynamicModule;
  /** What main.ts would do between `create()` and `listen()`. */
  readonly setUp?: (app: INestApplication) => unknown;
}

const names = (process.env['FEATURES'] ?? '').split(',').filter(Boolean);

export const features: readonly Feature[] = await Promise.all(
  names.map(async (name) => ((await import(`./features/${name}.js`)) as { feature: Feature }).feature),
);
