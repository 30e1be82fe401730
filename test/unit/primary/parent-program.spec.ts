import { describe, expect, it } from '@jest/globals';
import { ParentProgram } from '../../../lib/primary/parent-program.js';

function program() {
  const sent: unknown[] = [];
  return { sent, parent: new ParentProgram((message) => sent.push(message)) };
}

describe("the parent program hears 'ready'", () => {
  it('once, when each slot has a ready worker and the app has said it, in either order', () => {
    const one = program();
    one.parent.workerSaid('ready');
    one.parent.workerSaid('ready');
    expect(one.sent).toEqual([]);
    one.parent.complete();
    one.parent.complete();
    one.parent.workerSaid('ready');
    expect(one.sent).toEqual(['ready']);

    const other = program();
    other.parent.complete();
    expect(other.sent).toEqual([]);
    other.parent.workerSaid('ready');
    expect(other.sent).toEqual(['ready']);
  });

  it('not from an app that does not say it, whatever else it says', () => {
    const { sent, parent } = program();
    parent.complete();
    for (const message of ['READY', { type: 'ready' }, undefined, null, 1]) parent.workerSaid(message);
    expect(sent).toEqual([]);
  });

  it('and which files were loaded, as Node itself says it', () => {
    const { sent, parent } = program();
    for (const message of [{ 'watch:import': ['file:///a.js'] }, { 'watch:require': ['/b.js'] }]) {
      expect(parent.passOn(message)).toBe(true);
      expect(sent.at(-1)).toBe(message);
    }
    for (const message of ['watch:import', { watch: 'import' }, undefined, null, 1]) {
      expect(parent.passOn(message)).toBe(false);
    }
    expect(sent).toHaveLength(2);
  });
});
