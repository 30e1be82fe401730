import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { refusalOf } from '../../../lib/platform/refusal-probe.js';

describe('what a server says that lets nobody in', () => {
  it.each([
    ["INFO {}\r\n-ERR 'maximum connections exceeded'\r\n", 'maximum connections exceeded'],
    ['-ERR max number of clients reached\r\n', 'max number of clients reached'],
    ['INFO {}\r\n', undefined],
  ])('of %j is %j', async (greeting, said) => {
    const server = createServer((socket) => socket.end(greeting));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      expect(await refusalOf('127.0.0.1', (server.address() as AddressInfo).port)).toBe(said);
    } finally {
      server.close();
    }
  });

  it('is nothing where there is none', async () => {
    expect(await refusalOf('127.0.0.1', 1)).toBeUndefined();
  });
});
