import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../..');

/**
 * What users may import, by entry of package.json. A name that leaves a list breaks users, and a name that joins one is
 * kept for good: change these lists only together with CHANGELOG.md.
 */
const ENTRIES: Record<string, { source: string; values: string[]; types: string[] }> = {
  '.': {
    source: 'lib/index.ts',
    values: [
      'BackpressureError',
      'ClusterDisabledError',
      'ClusterError',
      'ClusterEventContext',
      'ClusterModule',
      'ClusterOptionsError',
      'ClusterRequestError',
      'ClusterService',
      'ClusterTimeoutError',
      'ConsumeOnce',
      'DeadLetterService',
      'EventContextError',
      'InvalidArgumentError',
      'MapError',
      'MemberLostError',
      'MessengerService',
      'NoHandlerError',
      'NotConnectedError',
      'OnClusterEvent',
      'OnWorkerEvent',
      'PayloadNotCloneableError',
      'PayloadTooLargeError',
      'ReloadError',
      'ReloadService',
      'RemoteError',
      'RunOnLeader',
    ],
    types: [
      'Address',
      'CallOptions',
      'ClusterAsyncOptions',
      'ClusterEvent',
      'ClusterEventHandler',
      'ClusterEventRequest',
      'ClusterEvents',
      'ClusterOptions',
      'ClusterOptionsFactory',
      'ClusterRole',
      'ConsumeOnceOptions',
      'ConsumeOptions',
      'DeadLetter',
      'EngineProvider',
      'EventArguments',
      'EventData',
      'EventName',
      'EventResult',
      'ForkOptions',
      'HandlerDecorator',
      'ListenMode',
      'MapFailure',
      'MapOutcome',
      'MapValue',
      'Member',
      'MemberLoad',
      'MessengerOptions',
      'OnceRun',
      'RecycleOptions',
      'ReloadOptions',
      'ReloadProgress',
      'ReloadReport',
      'RestartOptions',
      'RunOnceOptions',
      'ShutdownOptions',
      'StartupOptions',
      'StickyOptions',
      'TaskEvent',
      'WatchdogOptions',
      'WorkerEvent',
    ],
  },
  './nats': { source: 'lib/engines/nats/index.ts', values: ['nats'], types: ['NatsOptions'] },
  './redis': { source: 'lib/engines/redis/index.ts', values: ['redis'], types: ['RedisOptions'] },
  './testing': {
    source: 'lib/testing/index.ts',
    values: ['MemoryBroker', 'MemoryEngine', 'engineConformance'],
    types: [
      'Engine',
      'EngineContext',
      'EngineFaults',
      'EngineListener',
      'EngineNamespace',
      'EngineProvider',
      'LeasedTask',
      'MakeEngine',
      'QueueWorker',
      'Store',
      'StoredRecord',
      'TestRunner',
    ],
  },
};

const program = ts.createProgram({
  rootNames: Object.values(ENTRIES).map(({ source }) => join(ROOT, source)),
  options: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: [] },
});

/** Every name that a module exports, as the compiler sees it: values and types. */
function exportedNames(source: string): string[] {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(join(ROOT, source));
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${source} is not a module.`);
  return checker.getExportsOfModule(module).map(({ name }) => name);
}

describe('the public surface', () => {
  it('is what package.json exports', () => {
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object };
    expect(Object.keys(exports)).toEqual([...Object.keys(ENTRIES), './package.json']);
  });

  it.each(Object.entries(ENTRIES))('%s exports these values, and no other', async (_, { source, values }) => {
    const module = (await import(join(ROOT, source))) as object;
    expect(Object.keys(module).toSorted()).toEqual(values);
  });

  it.each(Object.entries(ENTRIES))('%s exports these types, and no other', (_, { source, values, types }) => {
    const onlyTypes = exportedNames(source).filter((name) => !values.includes(name));
    expect(onlyTypes.toSorted()).toEqual(types);
  });
});
