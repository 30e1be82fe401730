import { describe, expect, it } from '@jest/globals';
import { callersOf } from '../../../lib/boot/callers.js';

const HERE = import.meta.filename;

function ask() {
  return callersOf(ask);
}

/** Code made of a string, as dev servers and bundlers make it. */
const evaluated = (end: string) =>
  // oxlint-disable-next-line typescript/no-implied-eval, no-new-func -- what is tested
  new Function('ask', `return ask()${end}`) as (f: typeof ask) => ReturnType<typeof ask>;

describe('the callers on the stack', () => {
  it('are files, the nearest first', () => {
    expect(ask()[0]).toEqual({ file: HERE, isEvaluated: false });
  });

  it.each([[''], ['\n//# sourceURL=/srv/app/src/main.ts'], ['\n//# sourceURL=webpack://app/./src/main.ts']])(
    'of evaluated code it is the file that evaluated it (%j)',
    (end) => {
      expect(evaluated(end)(ask)[0]).toEqual({ file: HERE, isEvaluated: true });
    },
  );

  it('leaves Error as it was', () => {
    const { stackTraceLimit, prepareStackTrace } = Error;
    ask();
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    expect(Error.prepareStackTrace).toBe(prepareStackTrace);
  });
});
