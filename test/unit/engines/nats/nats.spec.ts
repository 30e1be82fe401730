import { describe, expect, it } from '@jest/globals';
import { type NatsOptions, nats } from '../../../../lib/engines/nats/index.js';
import { NatsNames } from '../../../../lib/engines/nats/names.js';
import { resolveNatsOptions } from '../../../../lib/engines/nats/options.js';
import { loadPackages } from '../../../../lib/engines/nats/packages.js';

describe('nats()', () => {
  it("passes the client's own options through", () => {
    const { servers, client, replicas } = resolveNatsOptions({ servers: 'nats://one:4222', user: 'u', pass: 'p' });
    expect({ servers, client, replicas }).toEqual({
      servers: 'nats://one:4222',
      client: { user: 'u', pass: 'p' },
      replicas: 1,
    });
  });

  it.each([
    [{ servers: 7 }, /servers: got 7; expected an address/],
    [{ servers: [] }, /servers: got \[\]/],
    [{ replicas: 2 }, /replicas: got 2; expected 1, 3 or 5/],
    [{ maxReconnectAttempts: 10 }, /maxReconnectAttempts: got 10; expected -1/],
    [{ reconnect: false }, /reconnect: got false; expected true/],
    [{ noEcho: true }, /noEcho: got true; expected false/],
    [{ connection: {} }, /connection: got \{\}; expected a connection/],
    [{ connection: { publish: () => {} }, servers: 'x', token: 't' }, /expected it without servers, token/],
    [7, /options: got 7/],
  ])('refuses %j', (options, message) => {
    expect(() => nats(options as NatsOptions)).toThrow(message);
    expect(() => nats(options as NatsOptions)).toThrow(expect.objectContaining({ code: 'ERR_CLUSTER_OPTIONS' }));
  });

  it('names the command that installs what is missing', async () => {
    const load = async (name: string) => {
      if (name === '@nats-io/kv') throw new Error(`Cannot find package '${name}'`);
      return {};
    };
    await expect(loadPackages({ load, version: () => undefined })).rejects.toThrow(
      /needs the package @nats-io\/kv.*npm install @nats-io\/transport-node@3 @nats-io\/jetstream@3 @nats-io\/kv@3/,
    );
  });

  it('refuses a version of a package that it was not made for', async () => {
    const version = (name: string) => (name === '@nats-io/jetstream' ? '4.0.0' : '3.0.0');
    await expect(loadPackages({ load: async () => ({}), version })).rejects.toThrow(
      /@nats-io\/jetstream in version 3; 4\.0\.0 is installed.*npm install @nats-io\/jetstream@3/,
    );
  });
});

describe('names in NATS', () => {
  it('of two clusters or environments are never the same', () => {
    const one = new NatsNames({ cluster: 'a-b', environment: 'c' });
    const two = new NatsNames({ cluster: 'a', environment: 'b-c' });
    expect(one.stream).not.toBe(two.stream);
    expect(one.subject('x')).not.toBe(two.subject('x'));
    expect(one.idOfTask(one.task('queue', 'id-1'))).toBe('id-1');
  });
});
