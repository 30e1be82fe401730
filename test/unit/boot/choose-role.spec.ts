import { describe, expect, it } from '@jest/globals';
import { type BootFacts, type BootOptions, chooseRole, MOST_WILLING } from '../../../lib/boot/choose-role.js';

/** `node dist/main.js` with `NestFactory.create(AppModule)` and forRoot(). */
const ORDINARY: BootFacts = {
  isWorker: false,
  kind: 'application',
  isMainThread: true,
  clusterSwitch: undefined,
  isDescendant: false,
  hasForeignPrimary: false,
  isTestRun: false,
  hasMainScript: true,
  host: undefined,
};
const DEFAULTS: BootOptions = { enabled: undefined, contexts: false, hasOwnScript: false };

function choose(facts: Partial<BootFacts> = {}, options: Partial<BootOptions> = {}): string {
  const choice = chooseRole({ ...ORDINARY, ...facts }, { ...DEFAULTS, ...options });
  return 'reason' in choice ? `${choice.role}: ${choice.reason}` : choice.role;
}

describe('who is a primary', () => {
  it.each<[string, Partial<BootFacts>, Partial<BootOptions>, string]>([
    ['an application', {}, {}, 'primary'],
    ['a microservice', { kind: 'microservice' }, {}, 'primary'],
    ['a worker of ours', { isWorker: true, hasForeignPrimary: true, isDescendant: true }, {}, 'worker'],
    ['a worker of ours, whatever it boots', { isWorker: true, kind: 'context' }, { enabled: false }, 'worker'],

    ['an application context', { kind: 'context' }, {}, 'standalone: context'],
    ['an application context with contexts: true', { kind: 'context' }, { contexts: true }, 'primary'],
    ['a context with enabled: true alone', { kind: 'context' }, { enabled: true }, 'standalone: context'],
    ['a REPL, with contexts: true too', { kind: 'repl' }, { contexts: true }, 'standalone: repl'],
    ['a preview', { kind: 'preview' }, {}, 'standalone: preview'],
    ['a module of @nestjs/testing', { kind: 'test' }, { enabled: true, contexts: true }, 'standalone: test'],
    ['a boot that nobody saw', { kind: undefined }, {}, 'standalone: unknown-boot'],

    ['a thread', { isMainThread: false }, {}, 'standalone: thread'],
    ['a child of a worker', { isDescendant: true }, { enabled: true }, 'standalone: descendant'],
    [
      'a child of a worker, forked by throng',
      { isDescendant: true, hasForeignPrimary: true },
      {},
      'standalone: descendant',
    ],

    ['enabled: false', {}, { enabled: false }, 'standalone: disabled'],
    ['an environment of a test runner', { isTestRun: true }, {}, 'standalone: test-run'],
    ['the same with enabled: true', { isTestRun: true }, { enabled: true }, 'primary'],

    ['an app that Vite runs', { host: 'vite' }, {}, 'standalone: hosted'],
    ['an app that Vite runs, with fork.exec', { host: 'vite' }, { hasOwnScript: true }, 'primary'],
    ['node -e', { hasMainScript: false }, {}, 'standalone: no-script'],
    ['node -e, with fork.exec', { hasMainScript: false }, { hasOwnScript: true }, 'primary'],

    ["a worker of PM2's", { hasForeignPrimary: true }, {}, 'refused: foreign-primary'],
    ["a script in a worker of PM2's", { hasForeignPrimary: true, kind: 'context' }, {}, 'standalone: context'],
    ["a worker of PM2's, enabled: false", { hasForeignPrimary: true }, { enabled: false }, 'standalone: disabled'],
  ])('%s', (_, facts, options, expected) => {
    expect(choose(facts, options)).toBe(expected);
  });
});

describe('NESTJS_CLUSTER', () => {
  const guesses: [string, Partial<BootFacts>, Partial<BootOptions>][] = [
    ['an application', {}, {}],
    ['enabled: false', {}, { enabled: false }],
    ['a context', { kind: 'context' }, {}],
    ['a test', { kind: 'test', isTestRun: true }, {}],
    ['a child of a worker', { isDescendant: true }, {}],
    ['an app that Vite runs', { host: 'vite' }, {}],
    ['a boot that nobody saw', { kind: undefined }, {}],
  ];

  it.each(guesses)('on makes it a primary: %s', (_, facts, options) => {
    expect(choose({ ...facts, clusterSwitch: 'on' }, options)).toBe('primary');
  });

  it.each(guesses)('off makes it standalone: %s', (_, facts, options) => {
    expect(choose({ ...facts, clusterSwitch: 'off' }, { ...options, enabled: true, contexts: true })).toBe(
      'standalone: switched-off',
    );
  });

  it('on cannot make a primary of what cannot fork, or has nothing to run', () => {
    expect(choose({ clusterSwitch: 'on', isMainThread: false })).toBe('standalone: thread');
    expect(choose({ clusterSwitch: 'on', kind: 'preview' })).toBe('standalone: preview');
    expect(choose({ clusterSwitch: 'on', kind: 'repl' })).toBe('standalone: repl');
    expect(choose({ clusterSwitch: 'on', hasForeignPrimary: true })).toBe('refused: foreign-primary');
    expect(choose({ clusterSwitch: 'on', hasMainScript: false })).toBe('refused: no-script');
  });

  it('does not change what a worker is', () => {
    expect(choose({ isWorker: true, clusterSwitch: 'off' })).toBe('worker');
  });
});

describe('the most willing options', () => {
  it('are standalone only where all others are', () => {
    const kinds = ['application', 'microservice', 'context', 'repl', 'preview', 'test', undefined] as const;
    const flags = [false, true];
    for (const kind of kinds)
      for (const clusterSwitch of ['on', 'off', undefined] as const)
        for (let bits = 0; bits < 64; bits++) {
          const bit = (n: number) => ((bits >> n) & 1) === 1;
          const facts: BootFacts = {
            ...ORDINARY,
            kind,
            clusterSwitch,
            isMainThread: bit(0),
            isDescendant: bit(1),
            hasForeignPrimary: bit(2),
            isTestRun: bit(3),
            hasMainScript: bit(4),
            host: bit(5) ? 'vite' : undefined,
          };
          if (chooseRole(facts, MOST_WILLING).role !== 'standalone') continue;
          for (const enabled of [undefined, ...flags])
            for (const contexts of flags)
              for (const hasOwnScript of flags)
                expect(chooseRole(facts, { enabled, contexts, hasOwnScript }).role).toBe('standalone');
        }
  });
});
