import { join } from 'node:path';

const at = (file) => join(import.meta.dirname, file);

/**
 * A file here each. `calls` is what a system can do, and of those `answered` the ones that give an answer. A
 * consume that is not answered works in the first worker, unless it `consumesInTurn`.
 */
export const SYSTEMS = {
  ours: {
    file: at('ours.js'),
    calls: ['broadcast', 'consume', 'map', 'request'],
    answered: ['consume', 'map', 'request'],
  },
  'think-cluster': { file: at('think-cluster.js'), calls: ['broadcast', 'consume', 'map'], answered: ['map'] },
  'process.send': {
    file: at('process-send.js'),
    env: { BENCH_SERIALIZATION: 'json' },
    calls: ['broadcast', 'consume', 'map', 'request'],
    answered: ['map', 'request'],
    consumesInTurn: true,
  },
  'process.send, advanced': {
    file: at('process-send.js'),
    env: { BENCH_SERIALIZATION: 'advanced' },
    calls: ['broadcast', 'consume', 'map', 'request'],
    answered: ['map', 'request'],
    consumesInTurn: true,
  },
  'microservices, TCP': {
    file: at('microservices.js'),
    calls: ['broadcast', 'map', 'request'],
    answered: ['map', 'request'],
  },
};
