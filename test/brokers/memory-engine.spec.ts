import { afterEach, describe, it } from '@jest/globals';
import { engineConformance, MemoryBroker, MemoryEngine } from '../../lib/testing/index.js';

const broker = new MemoryBroker();

describe('the memory engine', () => {
  engineConformance(
    async ({ cluster, environment }) => new MemoryEngine(broker, `${cluster}.${environment}`),
    {
      kill: async () => broker.stop(),
      restart: async () => broker.start(),
    },
    { describe, it, afterEach },
  );
});
