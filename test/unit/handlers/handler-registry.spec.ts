import { describe, expect, it, jest } from '@jest/globals';
import { HandlerRegistry } from '../../../lib/handlers/handler-registry.js';

const handler = (label: string, answers = true) => ({ label, answers, invoke: () => label });

describe('HandlerRegistry', () => {
  it('has the first listener answer, and the first consumer run tasks', () => {
    const registry = new HandlerRegistry();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((label) => handler(label));
    registry.addListener('e', a!);
    registry.addListener('e', b!);
    expect(registry.listeners('e')).toEqual([a, b]);
    expect(registry.answerer('e')).toBe(a);
    expect(registry.consumer('e')).toBe(a);
    registry.addConsumer('e', c!);
    registry.addConsumer('e', d!);
    expect(registry.consumer('e')).toBe(c);
    expect(registry.listeners('e')).toEqual([a, b]);
    expect(registry.answerer('e')).toBe(a);
  });

  it('has nobody answer map and send for an event that is only consumed', () => {
    const registry = new HandlerRegistry();
    registry.addConsumer('e', handler('job'));
    expect(registry.answerer('e')).toBeUndefined();
    expect(registry.listeners('e')).toEqual([]);
  });

  it('passes over listeners that only watch', () => {
    const registry = new HandlerRegistry();
    const watcher = handler('watcher', false);
    registry.addListener('e', watcher);
    expect(registry.answerer('e')).toBeUndefined();
    expect(registry.consumer('e')).toBeUndefined();
    expect(registry.consumedEvents()).toEqual([]);
    const listener = handler('listener');
    registry.addListener('e', listener);
    expect(registry.answerer('e')).toBe(listener);
    expect(registry.listeners('e')).toEqual([watcher, listener]);
  });

  it('names the events of either sort once', () => {
    const registry = new HandlerRegistry();
    registry.addConsumer('job', handler('a'));
    registry.addListener('job', handler('b'));
    registry.addListener('event', handler('c'));
    expect(registry.consumedEvents().map(({ event }) => event)).toEqual(['job', 'event']);
  });

  it('says how many tasks of an event run at a time', () => {
    const registry = new HandlerRegistry();
    registry.addConsumer('job', { ...handler('a'), concurrency: 2 });
    registry.addListener('event', handler('b'));
    expect(registry.consumedEvents()).toEqual([
      { event: 'job', concurrency: 2 },
      { event: 'event', concurrency: undefined },
    ]);
  });

  it('says which events only listeners by call handle', () => {
    const registry = new HandlerRegistry();
    const byCall = { ...handler('on'), isByCall: true };
    for (const event of ['job', 'event', 'live']) registry.addListener(event, byCall);
    registry.addConsumer('job', handler('a'));
    registry.addListener('event', handler('b'));
    const onDemand = () => registry.consumedEvents().flatMap(({ event, onDemand }) => (onDemand ? [event] : []));
    expect(onDemand()).toEqual(['live']);
    registry.removeConsumer('job', registry.consumer('job')!);
    expect(onDemand()).toEqual(['job', 'live']);
  });

  it('tells of each change until it is asked not to', () => {
    const registry = new HandlerRegistry();
    const changed = jest.fn();
    const stop = registry.onChange(changed);
    const listener = handler('a');
    registry.addListener('e', listener);
    registry.addConsumer('e', handler('b'));
    registry.removeListener('e', listener);
    expect(changed).toHaveBeenCalledTimes(3);
    stop();
    registry.addListener('e', listener);
    expect(changed).toHaveBeenCalledTimes(3);
  });

  it('leaves a list that somebody walks as it is', () => {
    const registry = new HandlerRegistry();
    const [a, b] = [handler('a'), handler('b')];
    registry.addListener('e', a);
    registry.addListener('e', b);
    const seen: string[] = [];
    for (const { label } of registry.listeners('e')) {
      seen.push(label);
      registry.removeListener('e', a);
      registry.addListener('e', handler('c'));
    }
    expect(seen).toEqual(['a', 'b']);
  });
});
