import { ODD_VALUES, type OddValue } from '../e2e/fixtures/src/hostile/odd-values.js';
import { fc } from './fast-check.js';

/** Makes any value of the language, the odd ones included, and these within others. fast-check cannot hold some itself. */
export const anyValue = (): fc.Arbitrary<() => unknown> => {
  const names = Object.keys(ODD_VALUES) as OddValue[];
  const odd = fc.constantFrom(...names).map((name) => named(name, ODD_VALUES[name]));
  const plain = fc
    .anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    })
    .map((value) => () => value);
  return fc.oneof(
    { weight: 3, arbitrary: odd },
    { weight: 2, arbitrary: plain },
    { weight: 1, arbitrary: fc.tuple(plain, odd).map(([one, other]) => () => [one(), other()]) },
    { weight: 1, arbitrary: odd.map((make) => named(`${make.name} within`, () => ({ in: { value: make() } }))) },
    { weight: 1, arbitrary: odd.map((make) => named(`a Map of ${make.name}`, () => new Map([[make(), make()]]))) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(odd, odd)
        .map(([data, cause]) =>
          named(`an error with ${data.name} because of ${cause.name}`, () => withData(data(), cause())),
        ),
    },
  );
};

/** What a failed property prints of it. */
function named(name: string, make: () => unknown): () => unknown {
  const named = () => make();
  return Object.defineProperties(named, { name: { value: name }, [fc.toStringMethod]: { value: () => name } });
}

function withData(data: unknown, cause: unknown): Error {
  return Object.assign(new Error('with data', { cause }), { data });
}
