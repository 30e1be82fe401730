import { describe, expect, it } from '@jest/globals';
import { ClusterOptionsError } from '../../../lib/errors/errors.js';
import {
  clusterSwitch,
  descendsFromCluster,
  inProduction,
  markDescendantsOfPrimary,
  startEnvironment,
  underTestRunner,
  webConcurrency,
} from '../../../lib/platform/environment.js';
import { workerEnvironment, takeWorkerData, type WorkerData } from '../../../lib/protocol/worker-data.js';

describe('webConcurrency', () => {
  it.each([
    ['1', 1],
    ['4', 4],
    [' 8 ', 8],
    ['1024', 1024],
  ])('%j asks for %i workers', (WEB_CONCURRENCY, workers) => {
    expect(webConcurrency({ WEB_CONCURRENCY })).toBe(workers);
  });

  it('unset, empty and blank are the same', () => {
    expect(webConcurrency({})).toBeUndefined();
    expect(webConcurrency({ WEB_CONCURRENCY: '' })).toBeUndefined();
    expect(webConcurrency({ WEB_CONCURRENCY: '  ' })).toBeUndefined();
  });

  it.each(['0', '-1', '1.5', 'four', '4 workers', '0x4', '1e1', 'NaN', '1025'])('%j is refused by name', (value) => {
    const ask = () => webConcurrency({ WEB_CONCURRENCY: value });
    expect(ask).toThrow(ClusterOptionsError);
    expect(ask).toThrow(`WEB_CONCURRENCY is '${value}'; expected a whole number from 1 to 1024`);
  });
});

describe('NESTJS_CLUSTER', () => {
  it('says on, off, or nothing', () => {
    expect(clusterSwitch({ NESTJS_CLUSTER: 'on' })).toBe('on');
    expect(clusterSwitch({ NESTJS_CLUSTER: ' off ' })).toBe('off');
    expect(clusterSwitch({ NESTJS_CLUSTER: '' })).toBeUndefined();
    expect(clusterSwitch({})).toBeUndefined();
  });

  it.each(['true', '1', 'ON', 'auto'])('%j is refused by name', (value) => {
    const ask = () => clusterSwitch({ NESTJS_CLUSTER: value });
    expect(ask).toThrow(ClusterOptionsError);
    expect(ask).toThrow(`NESTJS_CLUSTER is '${value}'; expected 'on' or 'off'`);
  });

  it('on is meant for the primary: neither its workers nor what it starts inherit it', () => {
    const environment: Record<string, string | undefined> = { NESTJS_CLUSTER: 'on' };
    const workers = { ...environment, ...workerEnvironment({ settings: {} } as WorkerData, 'uuid/1') };
    expect(takeWorkerData(workers)).toBeDefined();
    expect(workers).not.toHaveProperty('NESTJS_CLUSTER');
    markDescendantsOfPrimary(7, environment);
    expect(environment).not.toHaveProperty('NESTJS_CLUSTER');
  });
});

describe('the mark of a worker', () => {
  it('is taken out of the environment', () => {
    const mark = { id: 1, key: 'secret', settings: {} } as WorkerData;
    const environment: Record<string, string | undefined> = workerEnvironment(mark, 'uuid/1');
    expect(takeWorkerData(environment)).toEqual(mark);
    expect(JSON.stringify(environment)).not.toContain('secret');
    expect(takeWorkerData(environment)).toBeUndefined();
  });

  it.each(['', 'nonsense', '1', 'null', '[]', '{}', '{"settings":null}', '{"settings":1}', '{"settings":{}'])(
    '%j is refused by name: no primary wrote it',
    (text) => {
      const take = () => takeWorkerData({ NESTJS_CLUSTER_WORKER: text });
      expect(take).toThrow(ClusterOptionsError);
      expect(take).toThrow(`NESTJS_CLUSTER_WORKER is '${text}', which no primary of nestjs-cluster has set`);
    },
  );
});

describe('descendants of a cluster', () => {
  it('are those that inherit from a worker or the primary, and are in their session', () => {
    const environment: Record<string, string | undefined> = {};
    markDescendantsOfPrimary(7, environment);
    expect(descendsFromCluster(7, environment)).toBe(true);
    expect(descendsFromCluster(8, environment)).toBe(false);
    expect(descendsFromCluster(7, {})).toBe(false);
  });

  it('go by the environment alone where there are no sessions to tell', () => {
    const environment: Record<string, string | undefined> = {};
    markDescendantsOfPrimary(undefined, environment);
    expect(descendsFromCluster(undefined, environment)).toBe(true);
    expect(descendsFromCluster(7, environment)).toBe(true);
  });
});

describe('underTestRunner', () => {
  it.each(['JEST_WORKER_ID', 'VITEST', 'NODE_TEST_CONTEXT'])('%s tells one', (name) => {
    expect(underTestRunner({ [name]: '1' })).toBe(true);
  });

  it('NODE_ENV=test alone is no test runner, nor is an empty variable', () => {
    expect(underTestRunner({ NODE_ENV: 'test' })).toBe(false);
    expect(underTestRunner({ JEST_WORKER_ID: '' })).toBe(false);
  });

  it('sees the runner of this very test in the real environment', () => {
    expect(underTestRunner()).toBe(true);
  });
});

describe('inProduction', () => {
  it('only the exact word counts', () => {
    expect(inProduction({ NODE_ENV: 'production' })).toBe(true);
    expect(inProduction({ NODE_ENV: 'Production' })).toBe(false);
    expect(inProduction({ NODE_ENV: 'development' })).toBe(false);
    expect(inProduction({})).toBe(false);
  });
});

describe('startEnvironment', () => {
  it('takes back what was set, changed or removed since the process was started', () => {
    const started = { PATH: '/bin', FEATURE: 'old', REMOVED: 'yes' };
    const now = { PATH: '/bin', FEATURE: 'new', ADDED: 'yes' };
    expect({ ...now, ...startEnvironment(started, now) }).toMatchObject({ ...started, ADDED: undefined });
  });

  it('leaves out what Node set for this process as the child of another', () => {
    const ofNode = { NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json', WATCH_REPORT_DEPENDENCIES: '1' };
    // Undefined: node:cluster hands on this process's own environment under the one it is given.
    expect({ ...ofNode, ...startEnvironment({ ...ofNode, A: '1' }, ofNode) }).toEqual({ A: '1' });
  });
});
