import { describe, expect, it } from '@jest/globals';
import { ClusterOptionsError } from '../../../lib/errors/errors.js';
import { validateAsyncOptions } from '../../../lib/options/async-options.js';

class Factory {
  createClusterOptions() {
    return 2;
  }
}
const useFactory = () => 2;

describe('validateAsyncOptions', () => {
  it.each([
    [{ useFactory }],
    [{ useFactory, imports: [], inject: ['CONFIG'], extraProviders: [] }],
    [{ useClass: Factory }],
    [{ useExisting: Factory, imports: [Factory], useClass: undefined }],
  ])('takes one way to get the options: %p', (given) => {
    expect(validateAsyncOptions(given)).toBe(given);
  });

  it.each([
    [{}, 'useFactory | useClass | useExisting: got none of them; expected exactly one of the three'],
    [
      { useFactory, useClass: Factory },
      'useFactory | useClass | useExisting: got useFactory and useClass; expected exactly one of the three',
    ],
    [{ useFactory: 4 }, 'useFactory: got 4; expected a function that returns the options'],
    [{ useClass: {} }, 'useClass: got {}; expected a class'],
    [{ useExisting: 'CONFIG' }, "useExisting: got 'CONFIG'; expected a class"],
    [{ useFactory, inject: Factory }, 'inject: got [class Factory]; expected an array'],
    [{ useClass: Factory, inject: [] }, 'inject: got []; expected it beside useFactory, not useClass'],
    [{ useFactory, import: [] }, 'import: got []; no such option, did you mean imports?'],
    [
      { useFactory, workers: 4 },
      'workers: got 4; no such option, known here: useFactory, useClass, useExisting, imports, inject, extraProviders',
    ],
    [4, 'options: got 4; expected an object with one of useFactory, useClass, useExisting'],
    [undefined, 'options: got undefined; expected an object with one of useFactory, useClass, useExisting'],
  ])('refuses %p', (given, line) => {
    let error: unknown;
    try {
      validateAsyncOptions(given);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ClusterOptionsError);
    expect((error as Error).message.split('\n')).toEqual([
      'ClusterModule.forRootAsync was given options it cannot use:',
      `  ${line}`,
    ]);
  });

  it('lists everything that is wrong in one error', () => {
    const given = { useFactory: 4, imports: 1, colour: 'red' };
    expect(() => validateAsyncOptions(given)).toThrow(/colour: .*\n.*useFactory: .*\n.*imports: /);
  });
});
