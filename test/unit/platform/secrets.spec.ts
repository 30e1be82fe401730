import { setTimeout as elapsed } from 'node:timers/promises';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { ClusterModule } from '../../../lib/cluster.module.js';
import { nats } from '../../../lib/engines/nats/index.js';
import { Secrets, withoutCredentials } from '../../../lib/platform/secrets.js';
import { redis } from '../../../lib/engines/redis/index.js';

const context = { cluster: 'c', environment: 'e', client: 'test', maxMessage: 1_000 };

/** All that an error shows of itself, in whatever way. */
function shownOf(error: unknown): string {
  return inspect(error, { depth: Infinity, showHidden: true }) + String((error as Error).stack) + JSON.stringify(error);
}

describe('an address', () => {
  it.each([
    ['nats://user:hunter2@broker:4222', 'nats://broker:4222'],
    ['redis://:hunter2@broker', 'redis://broker'],
    ['redis://:hun/ter2@x@broker/0', 'redis://broker/0'],
    ['user:hunter2@broker', 'broker'],
    ['nats://hunter2token@broker,nats://u:hunter2@b', 'nats://b'],
    ['broker:4222', 'broker:4222'],
    ['/var/run/redis@1.sock', '/var/run/redis@1.sock'],
  ])('%s is shown as %s', (address, shown) => {
    expect(withoutCredentials(address)).toBe(shown);
  });
});

describe('what a client says', () => {
  it('is shown without the secrets of its options, whichever they are', () => {
    const options = { pass: 'hunter2', nested: [{ sentinelPassword: 'hunter3' }], url: 'redis://u:hunt%20er4@b' };
    const secrets = new Secrets(options);
    expect(secrets.hide('AUTH u hunter2, hunter3, hunt%20er4 or hunt er4 at redis://x:y@b and u:hunter5@c')).toBe(
      'AUTH u ***, ***, *** or *** at redis://***@b and ***@c',
    );
  });

  it('its error is kept by name, message, code and stack alone', () => {
    const error = Object.assign(new Error('no hunter2'), {
      code: 'X',
      command: { args: ['hunter2'] },
      input: 'hunter2',
    });
    const clean = new Secrets({ pass: 'hunter2' }).hideIn(error);
    expect(shownOf(clean)).not.toMatch(/hunter2/);
    expect(clean).toMatchObject({ message: 'no ***', code: 'X' });
  });
});

describe('a password', () => {
  const cases: readonly (readonly [string, () => unknown])[] = [
    ['an address in place of options of nats()', () => nats('nats://user:hunter2@broker:4222' as never)],
    ['an address in place of options of redis()', () => redis('redis://:hunter2@broker:6379' as never)],
    ['an address with a slip', () => redis({ url: 'redis:/:hunter2@broker:6379' })],
    ['one that is no text', () => nats({ servers: ['nats://u:hunter2@b', 5] as never })],
    ['a list in a list', () => nats({ servers: [['nats://u:hunter2@b']] as never })],
    ['an option beside it', () => redis({ host: 'h', password: 'hunter2', commandTimeout: 'hunter2' as never })],
    ['a client that is none', () => redis({ connection: { password: 'hunter2' } as never })],
    ['a bare engine', () => ClusterModule.forRoot({ messenger: { engine: 'redis://:hunter2@h' as never } })],
    ['options as an engine', () => ClusterModule.forRoot({ messenger: { engine: { password: 'hunter2' } as never } })],
    ['an unknown section', () => ClusterModule.forRoot({ messenger: { redis: { password: 'hunter2' } } as never })],
    ['an unknown option', () => ClusterModule.forRoot({ password: 'hunter2' } as never)],
    ['all options', () => ClusterModule.forRoot('hunter2' as never)],
    ['a list of options', () => ClusterModule.forRoot([{ password: 'hunter2' }] as never)],
    ['a list as environment', () => ClusterModule.forRoot({ fork: { env: ['DB_PASSWORD=hunter2'] as never } })],
    ['arguments in one text', () => ClusterModule.forRoot({ fork: { args: '--password hunter2' as never } })],
    [
      'forRootAsync',
      () => ClusterModule.forRootAsync({ useFactory: () => ({}), redis: { password: 'hunter2' } } as never),
    ],
    ['text for forRootAsync', () => ClusterModule.forRootAsync('redis://:hunter2@h' as never)],
  ];
  it.each(cases)('is in no error: %s', async (_, call) => {
    let error: unknown;
    try {
      await call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_OPTIONS' });
    expect(shownOf(error)).not.toMatch(/hunter2/);
  });

  it.each([
    ['nats', nats({ servers: 'nats://user:hunter2@bad host:x', timeout: 100 })],
    ['nats, a port that is none', nats({ servers: ['nats://user:hunter2@127.0.0.1:999999'], timeout: 100 })],
    ['redis', redis({ url: 'redis://:hunter2@[bad' })],
  ])('is in no error of a client that cannot read its address: %s', async (_, provider) => {
    const listener = { onConnected: () => {}, onDisconnected: () => {}, onWarning: () => {} };
    const engine = await provider.create(context);
    const refused = engine.connect(listener).catch((thrown: unknown) => thrown);
    const error = await Promise.race([refused, elapsed(500, undefined, { ref: false })]);
    expect(shownOf(error ?? '')).not.toMatch(/hunter2/);
    await engine.close();
  });
});
