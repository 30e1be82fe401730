import { describe, expect, it } from '@jest/globals';
import { of } from 'rxjs';
import { ConsumeOnce } from '../../../lib/decorators/consume-once.decorator.js';
import { OnClusterEvent } from '../../../lib/decorators/on-cluster-event.decorator.js';
import type { ClusterEventContext } from '../../../lib/events/cluster-event-context.js';
import type { EventData, EventName, EventResult } from '../../../lib/events/cluster-events.js';
import type { MessengerService } from '../../../lib/services/messenger.service.js';

/*
 * What the compiler says is tested by the compiler: each @ts-expect-error fails `tsc` where the line below
 * it is accepted.
 */

declare module 'nestjs-cluster' {
  interface ClusterEvents {
    'types.clear': (key: string) => void;
    'types.resize': (job: { width: number }) => Promise<{ url: string }>;
    'types.ping': () => number;
    'types.maybe': (key?: string) => boolean;
  }
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <T extends true>(holds: T) => holds;

const types = {
  data: same<Same<EventData<'types.clear'>, string>>(true),
  awaited: same<Same<EventResult<'types.resize'>, { url: string }>>(true),
  nothing: same<Same<EventData<'types.ping'>, undefined>>(true),
  unknownData: same<Same<EventData<'other'>, any>>(true),
  unknownResult: same<Same<EventResult<'other'>, any>>(true),
  anyName: same<'anything' extends EventName ? true : false>(true),
};

// Never called: only its types count.
async function calls(messenger: MessengerService, name: string): Promise<void> {
  await messenger.broadcast('types.clear', 'key');
  // @ts-expect-error the data is a string
  await messenger.broadcast('types.clear', 5);
  // @ts-expect-error the data is missing
  await messenger.broadcast('types.clear');
  await messenger.broadcast('types.ping');
  // @ts-expect-error this event has no data
  await messenger.broadcast('types.ping', 1);
  await messenger.broadcast('types.maybe');
  await messenger.broadcast('other', { any: 'thing' });
  await messenger.broadcast(name);

  const { url }: { url: string } = await messenger.consume('types.resize', { width: 1 }, { timeout: 5, id: 'x' });
  // @ts-expect-error the option has another name
  await messenger.consume('types.resize', { width: 1 }, { timeOut: 5 });
  const pings: number[] = await messenger.map('types.ping', undefined, { timeout: 5 });
  // @ts-expect-error it is an array of numbers
  const texts: string[] = await messenger.map('types.ping');
  const one: { url: string } = await messenger.send('primary', 'types.resize', { width: 2 });
  // @ts-expect-error an address is a slot or 'primary'
  await messenger.send('all', 'types.ping');
  const any: { whatever: true } = await messenger.consume('other');
  const ran: Date = await messenger.runOnce('key', () => new Date());

  messenger.on('types.clear', (key, context) => key.length + context.attempt);
  // @ts-expect-error the listener must return a number
  messenger.on('types.ping', () => 'pong');
  // @ts-expect-error the listener takes a string
  messenger.on('types.clear', (key: number) => key);
  messenger.on('other', (anything: { a: number }) => anything.a);
  messenger.events$('types.clear').subscribe(({ data, context }) => data.length + context.attempt);
  for (const outcome of await messenger.mapSettled('types.ping')) {
    if (outcome.status === 'fulfilled') outcome.value.toFixed();
    else outcome.reason.message.trim();
  }
  messenger.map$('types.ping').subscribe(({ slot, value }) => slot + value);
  void [url, pings, texts, one, any, ran];
}

class Handlers {
  @OnClusterEvent('types.clear')
  clear(key: string, context: ClusterEventContext) {
    return [key, context];
  }

  // @ts-expect-error the event's data is a string
  @OnClusterEvent('types.clear')
  clearNumber(key: number) {
    return key;
  }

  @ConsumeOnce('types.resize')
  resize() {
    return { url: '' };
  }

  @ConsumeOnce('types.resize')
  async resizeLater({ width }: { width: number }) {
    return Promise.resolve({ url: String(width) });
  }

  @ConsumeOnce('types.resize')
  resizeStream() {
    return of({ url: '' });
  }

  // @ts-expect-error the result has no url
  @ConsumeOnce('types.resize')
  resizeWrong() {
    return { uri: '' };
  }

  @OnClusterEvent('other')
  @OnClusterEvent('another')
  anything(data: { a: number }) {
    return data.a;
  }
}

describe('types of events', () => {
  it('follow the declaration; see the compiler', () => {
    expect(Object.values(types)).not.toContain(false);
    expect([calls, Handlers]).toHaveLength(2);
  });
});
