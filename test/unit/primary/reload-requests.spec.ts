import { describe, expect, it } from '@jest/globals';
import { ReloadError } from '../../../lib/errors/errors.js';
import { ReloadRequests } from '../../../lib/primary/reload-requests.js';
import type { ReloadReport } from '../../../lib/runtime/reload.interface.js';
import { ManualClock } from '../manual-clock.js';

const DONE = {
  type: 'reload-done',
  generation: 2,
  duration: 12.4,
  replaced: [{ slot: 0, oldId: 1, newId: 3 }],
} as const;

function requests() {
  const clock = new ManualClock();
  const logged: string[] = [];
  const sources = {
    isOver: true,
    pidOf: (worker: number) => 1_000 + worker,
    releaseOf: () => '/srv/2',
    stderrTailOf: () => Promise.resolve('SyntaxError: no'),
    isListeningOver: () => sources.isOver,
  };
  const log = (message: string) => void logged.push(message);
  const made = new ReloadRequests(sources, clock, { log, warn: log, error: log });
  /** What the requests of the workers were answered by. */
  const ask = (requester?: number) => {
    const answer: { report?: ReloadReport; error?: Error } = {};
    made.add(requester, { resolve: (report) => (answer.report = report), reject: (error) => (answer.error = error) });
    return answer;
  };
  return { clock, logged, sources, made, ask };
}

describe('requests for a reload', () => {
  it('get one report, when every worker that leaves has stopped listening', async () => {
    const { clock, sources, made, ask } = requests();
    const [one, other] = [ask(1), ask()];
    sources.isOver = false;
    made.done(DONE);
    await clock.pass(500);
    expect(one.report).toBeUndefined();
    sources.isOver = true;
    await clock.pass(10);
    const report = {
      generation: 2,
      duration: 12,
      replaced: [{ slot: 0, oldPid: 1_001, newPid: 1_003 }],
      release: '/srv/2',
    };
    expect([one.report, other.report]).toEqual([report, report]);
  });

  it('get it after a second where a worker is blocked', async () => {
    const { clock, sources, made, ask } = requests();
    const answer = ask();
    sources.isOver = false;
    made.done(DONE);
    await clock.pass(1_100);
    expect(answer.report).toMatchObject({ generation: 2 });
  });

  it('hold up the leaving of the worker that asked until its report is sent, and of no other', async () => {
    const { clock, made, ask } = requests();
    const answer = ask(1);
    made.done(DONE);
    expect(made.reportTo(2)).toBeUndefined();
    const sent = made.reportTo(1);
    await clock.pass(10);
    await sent;
    expect(answer.report).toMatchObject({ generation: 2 });
    expect(made.reportTo(1)).toBeUndefined();
  });

  it('fail with the reason and the last lines of the worker that failed', async () => {
    const { logged, made, ask } = requests();
    const answer = ask();
    await made.failed('worker 3 exited with code 1', 3);
    expect(answer.error).toBeInstanceOf(ReloadError);
    expect(answer.error?.message).toMatch(
      /exited with code 1\. The workers that serve go on serving\..*SyntaxError: no/s,
    );
    expect(logged).toEqual([answer.error?.message]);
  });

  it('are refused together, and one that comes later is not', () => {
    const { made, ask } = requests();
    const early = ask();
    made.refused('a reload is under way');
    const late = ask();
    expect(early.error?.message).toBe('Reload refused: a reload is under way.');
    expect(late).toEqual({});
  });
});
