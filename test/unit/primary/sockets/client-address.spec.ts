import { describe, expect, it } from '@jest/globals';
import { clientAddress } from '../../../../lib/primary/sockets/client-address.js';

describe('the address of a client', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    [' 203.0.113.7\t', '203.0.113.7'],
    ['203.0.113.7:51001', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:80', '203.0.113.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8:0000::0001', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['"[2001:db8::1]:443"', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', 'fe80::1'],
  ])('%s is %s', (text, address) => {
    expect(clientAddress(text)).toBe(address);
  });

  it.each(['', 'unknown', '_hidden', 'a', '203.0.113', '203.0.113.7:', '[2001:db8::1', '2001:db8::1:g', '[]', '"'])(
    'is not read out of %j',
    (text) => {
      expect(clientAddress(text)).toBeUndefined();
    },
  );
});
