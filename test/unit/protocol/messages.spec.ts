import { describe, expect, it } from '@jest/globals';
import {
  fromPrimary,
  fromWorker,
  type FromPrimary,
  type FromWorker,
  protocolOf,
  seal,
} from '../../../lib/protocol/messages.js';

const KEY = 'of this worker';

const fromAWorker: FromWorker = { type: 'unlisten', key: 'tcp 0.0.0.0:3000' };
const fromThePrimary: FromPrimary = { type: 'connection', key: 'tcp 0.0.0.0:3000', seq: 1, head: 'R0VU' };

describe('a control message', () => {
  it('arrives as it was sent, whatever its parts are called', () => {
    expect(fromWorker(seal(fromAWorker, KEY), KEY)).toMatchObject(fromAWorker);
    expect(fromPrimary(seal(fromThePrimary, KEY), KEY)).toMatchObject(fromThePrimary);
  });

  it('is one whichever type it is of', () => {
    const later: FromWorker = { type: 'listens', servers: 2 };
    expect(fromWorker(seal(later, KEY), KEY)).toMatchObject(later);
  });

  it('is none without the key of its worker', () => {
    for (const sealed of [seal(fromAWorker, 'of another'), { ...seal(fromAWorker, KEY), seal: undefined }]) {
      expect(fromWorker(sealed, KEY)).toBeUndefined();
      // Still told from an app's own, for the version it speaks.
      expect(protocolOf(sealed)).toBe('nestjs-cluster/3');
    }
    expect(fromPrimary(seal(fromThePrimary, 'of another'), KEY)).toBeUndefined();
  });

  it('is none of the other direction, nor of another package', () => {
    expect(fromPrimary(seal(fromAWorker, KEY), KEY)).toBeUndefined();
    expect(fromWorker(seal(fromThePrimary, KEY), KEY)).toBeUndefined();
    for (const raw of [undefined, null, 1, 'text', {}, { type: 'unlisten', seal: KEY }]) {
      expect(fromWorker(raw, KEY)).toBeUndefined();
    }
  });
});
