import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { reportCopies, shareCopy } from '../../../lib/boot/shared-copy.js';

const COPIES = Symbol.for('nestjs-cluster.copies');
const scope = globalThis as { [COPIES]?: { list: { folder: string; nest: unknown }[]; reported: boolean } };

class First {}
class Second {}
class Newer {}

let warn: ReturnType<typeof jest.spyOn>;
beforeEach(() => {
  delete scope[COPIES];
  warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
});
afterEach(() => {
  jest.restoreAllMocks();
  delete scope[COPIES];
});

/** Another copy, with a Nest of its own, as a test tool leaves it when it resets all modules. */
function loadedWithAnotherNest(folder: string): void {
  shareCopy({ Service: First }, '1.0.0', folder);
  scope[COPIES]!.list = [{ ...scope[COPIES]!.list[0]!, nest: class {} }];
}

describe('copies of the package in one process', () => {
  it('the first hands out what it has', () => {
    const exports = { Service: First };
    expect(shareCopy(exports, '1.0.0', '/a/')).toBe(exports);
  });

  it('the others hand out what the first has', () => {
    shareCopy({ Service: First }, '1.0.0', '/a/');
    expect(shareCopy({ Service: Second }, '1.0.0', '/b/')).toEqual({ Service: First });
    expect(shareCopy({ Service: class {} }, '1.0.0', '/c/')).toEqual({ Service: First });
  });

  it('a newer one keeps what the first does not have yet', () => {
    shareCopy({ Service: First }, '1.0.0', '/a/');
    expect(shareCopy({ Service: Second, Newer }, '1.1.0', '/b/')).toEqual({ Service: First, Newer });
  });

  it('one that imports another Nest keeps to itself', () => {
    loadedWithAnotherNest('/a/');
    expect(shareCopy({ Service: Second }, '1.0.0', '/b/')).toEqual({ Service: Second });
  });

  it('one that is loaded again with a new Nest takes the place of the old one', () => {
    loadedWithAnotherNest('/a/');
    shareCopy({ Service: Second }, '1.0.0', '/a/');
    expect(scope[COPIES]!.list).toMatchObject([{ folder: '/a/', nest: ModuleRef }]);
  });

  it('two installations are one warning, which names both and the remedy', () => {
    shareCopy({ Service: First }, '1.0.0', '/a/');
    shareCopy({ Service: Second }, '1.2.0', '/b/');
    expect(warn).not.toHaveBeenCalled();
    reportCopies();
    reportCopies();
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/2 copies.*: 1\.0\.0 in \/a\/, 1\.2\.0 in \/b\/\. The first one serves all.*npm ls/)],
    ]);
  });

  it('an installation that is loaded later is reported at once', () => {
    shareCopy({ Service: First }, '1.0.0', '/a/');
    reportCopies();
    expect(warn).not.toHaveBeenCalled();
    shareCopy({ Service: Second }, '1.2.0', '/b/');
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('two that import different copies of Nest are told that they do', () => {
    loadedWithAnotherNest('/a/');
    shareCopy({ Service: Second }, '1.0.0', '/b/');
    reportCopies();
    expect(warn.mock.calls).toEqual([[expect.stringContaining('different copies of @nestjs/core')]]);
  });

  it('one installation in both module formats is nothing to report', () => {
    shareCopy({ Service: First }, '1.0.0', '/a/');
    shareCopy({ Service: Second }, '1.0.0', '/a/');
    reportCopies();
    expect(warn).not.toHaveBeenCalled();
  });
});
