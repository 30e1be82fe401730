import { writeSync } from 'node:fs';
import { describe } from '@jest/globals';
import { NATS, REDIS } from '../support/index.js';
import type { Setup } from './brokers.js';
import { whyNoNamespaces } from './namespaces.js';

/** describe() if such a network and its brokers are available; otherwise the tests are skipped, with a loud message. */
export function describeOn(setup: Setup): typeof describe {
  const { isInstalled, name } = setup.startsWith('nats') ? NATS : REDIS;
  const why = isInstalled ? whyNoNamespaces() : `there is no ${name.toLowerCase()}-server`;
  if (why === undefined) return describe;
  // jest prints no console of a file whose tests are all skipped.
  writeSync(2, `No network fault is tested over ${setup}: ${why}\n`);
  return describe.skip as typeof describe;
}
