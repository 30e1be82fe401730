import type { describe } from '@jest/globals';
import { describeUnless, NATS, REDIS } from '../support/index.js';
import type { Setup } from './brokers.js';
import { whyNoNamespaces } from './namespaces.js';

/** describe() if such a network and its brokers are available; otherwise the tests are skipped, with a loud message. */
export function describeOn(setup: Setup): typeof describe {
  const { isInstalled, name } = setup.startsWith('nats') ? NATS : REDIS;
  const why = isInstalled ? whyNoNamespaces() : `there is no ${name.toLowerCase()}-server`;
  return describeUnless(why && `No network fault is tested over ${setup}: ${why}`);
}
