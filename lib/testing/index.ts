export type * from '../bus/engine.interface.js';
export {
  engineConformance,
  type EngineFaults,
  type EngineNamespace,
  type MakeEngine,
  type TestRunner,
} from './engine-conformance.js';
export { MemoryBroker, MemoryEngine } from './memory-engine.js';
