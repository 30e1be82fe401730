import { sleep, type Clock } from '../../platform/clock.js';

/** The shortest pause, in ms: a timer of Node's takes 1 ms at least, and ten thousand of them ten seconds. */
const SHORTEST_PAUSE = 20;

/** Calls `act` for each item, in even steps over `time` ms, however many items there are. */
export async function spread<T>(
  items: readonly T[],
  time: number,
  clock: Clock,
  act: (item: T) => void,
): Promise<void> {
  const pause = Math.max(SHORTEST_PAUSE, time / items.length);
  const begun = clock.now();
  for (let done = 0; done < items.length;) {
    // This makes up for a timer that was late.
    const share = (clock.now() - begun + pause) / time;
    const due = Math.min(items.length, Math.max(done + 1, Math.floor(items.length * share)));
    for (; done < due; done += 1) act(items[done]!);
    if (done < items.length) await sleep(clock, pause);
  }
}
