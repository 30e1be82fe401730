import type { AppProcess } from './app-process.js';
import { eventually } from './eventually.js';

/** How many requests are under way at once. */
const REQUESTS = 12;

/**
 * Has many requests at once, each in an AsyncLocalStorage context of its own, call handlers of the fixture app
 * `compat-events` in every way. Resolves to what went wrong: handlers that ran in anybody's context, and callers that
 * did not go on in their own.
 */
export async function lostContexts(app: AppProcess, slots: readonly number[]): Promise<object[]> {
  const { mark } = app.output;
  const ids = Array.from({ length: REQUESTS }, (_, n) => `request ${n}`);
  const path = (id: string) => `/contexts?id=${encodeURIComponent(id)}&slots=${slots.join()}`;
  const answers = await Promise.all(
    ids.map(
      (id) => app.json(path(id), { method: 'POST', headers: { 'x-id': id } }) as Promise<Record<string, unknown>>,
    ),
  );
  const callers = answers.flatMap((answer, n) =>
    Object.entries(answer).flatMap(([how, context]) => (context === ids[n] ? [] : [{ caller: ids[n], how, context }])),
  );
  // Three kinds of broadcast and two of map reach each worker, and it is sent to once; four tasks run in one worker each.
  const count = REQUESTS * (6 * slots.length + 4);
  const runs = () => app.output.reports('ran', mark);
  await eventually(() => runs().length >= count, { what: () => `${count} runs, there are ${runs().length}` });
  const idle = slots.filter((slot) => !runs().some((run) => run['slot'] === slot)).map((slot) => ({ slot, ran: 0 }));
  const surplus = runs().slice(count);
  const handlers = runs().filter(({ before, after }) => before !== null || after !== null);
  return [...callers, ...handlers, ...idle, ...surplus];
}
