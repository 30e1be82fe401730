import { forwardRef, Module, type DynamicModule } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { clustersIn } from '../../../lib/boot/clusters-in.js';
import { LazyPromise } from '../../../lib/boot/lazy-promise.js';

const lazy = () => new LazyPromise<DynamicModule>(() => Promise.reject(new Error('begun')));

describe('the cluster among the imports of a module', () => {
  it('is found in it, in what it imports, and in dynamic modules, without being begun', () => {
    const [own, deep, dynamic, ofItsClass] = [lazy(), lazy(), lazy(), lazy()];
    @Module({ imports: [deep] })
    class Deep {}
    @Module({ imports: [ofItsClass] })
    class Class {}
    @Module({ imports: [Deep, own, { module: Class, imports: [dynamic] }] })
    class Root {}
    expect(clustersIn(Root)).toEqual([deep, own, dynamic, ofItsClass]);
    expect(clustersIn({ module: Root })).toHaveLength(4);
  });

  it('is found once where modules import each other', () => {
    const only = lazy();
    const imports: unknown[] = [only];
    @Module({ imports: imports as [] })
    class Round {}
    imports.push(Round, Round);
    expect(clustersIn(Round)).toEqual([only]);
  });

  it.each([[undefined], [null], ['module'], [class Plain {}], [{ module: undefined }], [Promise.resolve({})]])(
    'is not in %p',
    (root) => expect(clustersIn(root)).toEqual([]),
  );

  it('is not looked for behind what only the application can resolve', () => {
    const asked = forwardRef(() => {
      throw new Error('asked');
    });
    @Module({ imports: [asked, Promise.resolve({ module: class Later {} })] })
    class Root {}
    expect(clustersIn(Root)).toEqual([]);
  });
});
