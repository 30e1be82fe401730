import { describe, expect, it } from '@jest/globals';
import { BadRequestException } from '@nestjs/common';
import {
  ClusterError,
  ClusterTimeoutError,
  MapError,
  NoHandlerError,
  RemoteError,
} from '../../../lib/errors/errors.js';
import { decodeError, encodeError } from '../../../lib/messenger/remote-errors.js';

const carry = (thrown: unknown, { limit = 10_000, stacks = true } = {}) =>
  decodeError(encodeError('e', thrown, { limit, stacks }), 3);

describe('an error that crosses a process boundary', () => {
  it('keeps name, message, code, data, stack and says where it was thrown', () => {
    const thrown = Object.assign(new TypeError('bad thing'), { code: 'E_BAD', when: new Date(5), ids: new Set([1]) });
    const error = carry(thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'TypeError',
      message: 'bad thing',
      code: 'E_BAD',
      slot: 3,
      stack: thrown.stack,
    });
    expect(error.data).toEqual({ when: new Date(5), ids: new Set([1]) });
  });

  it('leaves the stack at home where it is told to', () => {
    const thrown = new Error('secret path');
    expect(carry(thrown, { stacks: false }).stack).not.toBe(thrown.stack);
    expect(carry(thrown, { stacks: false }).stack).not.toContain(
      'remote-errors.spec.ts:' + /:(\d+):/.exec(thrown.stack!)![1],
    );
  });

  it('has a code of its own where the original has none, and keeps a numeric one', () => {
    expect(carry(new Error('x')).code).toBe('ERR_CLUSTER_REMOTE');
    expect(carry(Object.assign(new Error('x'), { code: 42 })).code).toBe(42);
  });

  it('keeps the response and status of an HttpException', () => {
    const error = carry(new BadRequestException(['a must be a string']));
    expect(error).toMatchObject({ name: 'BadRequestException', message: 'Bad Request Exception' });
    expect(error.data).toMatchObject({ status: 400, response: { message: ['a must be a string'], statusCode: 400 } });
  });

  it("is an instance of the package's own class by its code", () => {
    const error = carry(new NoHandlerError('x', 'slot 1'));
    expect(error).toBeInstanceOf(NoHandlerError);
    expect(error).toBeInstanceOf(ClusterError);
    expect(error).not.toBeInstanceOf(ClusterTimeoutError);
    expect(error.name).toBe('NoHandlerError');
  });

  it('keeps who failed in a map behind the map', () => {
    const error = carry(new MapError('e', [{ slot: 1, error: new Error('inner') }], 2));
    const { failures } = error.data as { failures: { slot: number; error: Error }[] };
    expect(failures[0]!.slot).toBe(1);
    expect(failures[0]!.error.message).toBe('inner');
  });

  it('keeps its data over a second hop, without wrapping it again', () => {
    const first = carry(Object.assign(new Error('x'), { code: 'E', detail: 1 }));
    expect(carry(first)).toMatchObject({ name: 'Error', message: 'x', code: 'E', data: { detail: 1 } });
  });

  it('sends what can be cloned of its data and leaves out the rest', () => {
    const thrown = Object.assign(new Error('x'), { keep: 1, drop: () => 1, nested: { fn: () => 1 } });
    Object.defineProperty(thrown, 'trap', {
      enumerable: true,
      get: () => {
        throw new Error('trapped');
      },
    });
    expect(carry(thrown).data).toEqual({ keep: 1 });
  });

  it('gives up data and length before it gives up the error', () => {
    const thrown = Object.assign(new Error('m'.repeat(5_000)), { code: 'E_BIG', blob: 'x'.repeat(50_000) });
    const error = carry(thrown, { limit: 1_024 });
    expect(error.code).toBe('E_BIG');
    expect(error.message).toMatch(/^m{100,}…$/);
    expect(error.data).toBeUndefined();
    expect(carry(new Error('x'), { limit: 1 })).toBeInstanceOf(RemoteError);
  });

  it('makes an error of whatever else was thrown', () => {
    expect(carry('plain text')).toMatchObject({ name: 'Error', message: 'plain text', data: 'plain text' });
    expect(carry(undefined)).toMatchObject({ name: 'Error', message: 'undefined' });
    expect(carry(null)).toMatchObject({ message: 'null', data: null });
    expect(carry({ reason: 7 })).toMatchObject({ message: '{ reason: 7 }', data: { reason: 7 } });
    expect(carry(Symbol('s'))).toMatchObject({ message: 'Symbol(s)', data: undefined });
    expect(carry(() => 1)).toMatchObject({ message: '[Function (anonymous)]', data: undefined });
    expect(carry(Object.create(null))).toBeInstanceOf(RemoteError);
  });
});
