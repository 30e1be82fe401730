import { describe, expect, it } from '@jest/globals';
import { SupervisionLoop } from '../../../lib/primary/supervision-loop.js';
import type { SupervisorAction, SupervisorEvent } from '../../../lib/primary/supervisor/supervisor.types.js';
import { ManualClock } from '../manual-clock.js';

type Answers = Partial<Record<SupervisorEvent['type'], readonly SupervisorAction[]>>;

const log = (message: string): SupervisorAction => ({ type: 'log', level: 'log', message });

/** A loop whose supervisor answers each type of event as given, and a record of what happened. */
function loop(answers: Answers, onPerform: (message: string, dispatch: (event: SupervisorEvent) => void) => void) {
  const clock = new ManualClock();
  const happened: string[] = [];
  const supervisor = {
    wakeAt: Infinity,
    handle(event: SupervisorEvent, now: number) {
      happened.push(`${event.type} at ${now}`);
      return answers[event.type] ?? [];
    },
    expectWake: (at: number) => void happened.push(`wakes at ${at}`),
  };
  const made: SupervisionLoop = new SupervisionLoop(supervisor, clock, {
    decided: () => void happened.push('decided'),
    perform(action) {
      const { message } = action as SupervisorAction & { type: 'log' };
      happened.push(message);
      onPerform(message, (event) => made.dispatch(event));
    },
    failed: (_action, error) => void happened.push(`failed: ${(error as Error).message}`),
    performed: () => void happened.push('performed'),
  });
  return { clock, supervisor, happened, made };
}

describe('the supervision loop', () => {
  it('decides, performs in order, and then sets its timer', () => {
    const { happened, made } = loop({ start: [log('a'), log('b')] }, () => {});
    made.dispatch({ type: 'start' });
    expect(happened).toEqual(['start at 0', 'decided', 'a', 'b', 'performed', 'wakes at Infinity']);
  });

  it('handles an event that an action brings about after all actions of the one before', () => {
    const { happened, made } = loop({ start: [log('a'), log('b')], reload: [log('c')] }, (message, dispatch) => {
      if (message === 'a') dispatch({ type: 'reload' });
    });
    made.dispatch({ type: 'start' });
    expect(happened.filter((one) => !one.endsWith('ed'))).toEqual([
      'start at 0',
      'a',
      'b',
      'reload at 0',
      'c',
      'wakes at Infinity',
    ]);
  });

  it('goes on after an action that throws', () => {
    const { happened, made } = loop({ start: [log('a'), log('b')] }, (message) => {
      if (message === 'a') throw new Error('no descriptor');
    });
    made.dispatch({ type: 'start' });
    made.dispatch({ type: 'reload' });
    expect(happened).toEqual(expect.arrayContaining(['failed: no descriptor', 'b', 'reload at 0']));
  });

  it('ticks when the supervisor wants to be asked, and not at a time that it has given up', async () => {
    const { clock, supervisor, happened, made } = loop({}, () => {});
    supervisor.wakeAt = 500;
    made.dispatch({ type: 'start' });
    supervisor.wakeAt = 800;
    made.dispatch({ type: 'reload' });
    expect(clock.pending).toBe(1);
    await clock.pass(799);
    expect(happened.some((one) => one.startsWith('tick'))).toBe(false);
    supervisor.wakeAt = Infinity;
    await clock.pass(1);
    expect(happened).toContain('tick at 800');
    expect(clock.pending).toBe(0);
  });
});
