import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect } from '@jest/globals';
import {
  type AppProcess,
  type Apps,
  ascending,
  type BrokerServer,
  eventually,
  type Exit,
  freePort,
  useApps,
} from '../../support/index.js';
import { Asking } from './asking.js';
import { appMain, sumsProto } from './project.js';

/** A question that a killed worker took has no answer: it is asked again after this time, in ms. */
const ASK_AGAIN = 5_000;

/** An app that is tried, and what was made for it alone. */
export interface Trial {
  readonly app: AppProcess;
  readonly secondPort: number;
  readonly envFile: string;
  /** What the gRPC app speaks. */
  readonly proto: string;
  readonly broker: BrokerServer | undefined;
}

/** A module, or whatever people add to an app. */
export interface Row {
  /** Name of the file in src/features; without one, `env` says what the app does. */
  readonly feature?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A use of the module with the right answer; resolves to the pid of the worker that gave it. */
  ask(trial: Trial): Promise<number>;
  /** What the module is about, with two workers. */
  exercise?(trial: Trial): Promise<void>;
  /** Reloads, and looks at what was begun before and what is there after. */
  over?(trial: Trial, reload: () => Promise<void>): Promise<void>;
  /** When it has stopped. */
  after?(trial: Trial): void;
}

export interface AppOfRows {
  readonly rows: readonly Row[];
  readonly broker?: BrokerServer | undefined;
  readonly main?: 'http' | 'microservice';
  readonly cluster?: object;
}

async function start(apps: Apps, folder: string, options: AppOfRows): Promise<Trial> {
  const { rows, broker, main = 'http', cluster } = options;
  const [secondPort, envFile] = [await freePort(), join(folder, randomUUID())];
  const proto = `${envFile}.proto`;
  copyFileSync(sumsProto, proto);
  writeFileSync(envFile, 'GREETING=old\n');
  const env = {
    FEATURES: rows.flatMap(({ feature }) => feature ?? []).join(),
    SECOND_PORT: String(secondPort),
    ENV_FILE: envFile,
    DATABASE: `${envFile}.sqlite`,
    PROTO: proto,
    ...(broker && { NATS_URL: broker.url, REDIS_URL: broker.url }),
    ...(Object.assign({}, ...rows.map((row) => row.env)) as Record<string, string>),
  };
  return { app: await apps.start({ entry: appMain(main), env, cluster }), secondPort, envFile, proto, broker };
}

/** Resolves to the pids of two workers that have answered, none of which is one of `gone`. */
export async function bothAnswer(trial: Trial, ask: Row['ask'], gone: readonly number[] = []): Promise<number[]> {
  const seen = new Set<number>();
  const found = await eventually(
    async () => {
      if (trial.app.exit) return 'ended';
      const pid = await ask(trial);
      if (!gone.includes(pid)) seen.add(pid);
      return seen.size === 2 && ascending(seen);
    },
    { what: () => `answers of two workers to ${ask}, only ${[...seen]}\n--- output\n${trial.app.output.text}` },
  );
  if (found === 'ended') throw new Error(`the primary ended\n--- output\n${trial.app.output.text}`);
  return found;
}

/** Rejects where the answer takes longer than a client waits before it asks again. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  const late = new AbortController();
  const limit = setTimeout(ASK_AGAIN, undefined, { signal: late.signal }).then(() => {
    throw new Error(`no answer within ${ASK_AGAIN} ms`);
  });
  return Promise.race([answer, limit]).finally(() => late.abort());
}

/** The same for every row, which are answered by the same workers. */
async function bothAnswerAll(trial: Trial, rows: readonly Row[], gone?: readonly number[]): Promise<number[]> {
  const pids = [];
  for (const { ask } of rows) pids.push(await bothAnswer(trial, ask, gone));
  for (const others of pids) expect(others).toEqual(pids[0]);
  return pids[0]!;
}

async function reload(app: AppProcess): Promise<void> {
  const { mark } = app.output;
  app.kill('SIGHUP');
  await app.waitForLine(/reload to generation \d+ done/, mark);
}

/** The whole life of an app; resolves to its end. */
async function live(trial: Trial, rows: readonly Row[]): Promise<Exit> {
  const { app } = trial;
  const first = await bothAnswerAll(trial, rows);
  expect(ascending(app.workers)).toEqual(first);
  for (const row of rows) await row.exercise?.(trial);

  let turn = 0;
  let failures: unknown[];
  const load = new Asking(() => rows[turn++ % rows.length]!.ask(trial));
  try {
    await load.answered(2 * rows.length);
    // Each begins something, the last one reloads, and each looks at what became of what it had begun.
    const over = (next: () => Promise<void>, row: Row) => (row.over ? () => row.over!(trial, next) : next);
    await rows.reduce(over, () => reload(app))();
    await load.answered(2 * rows.length);
  } finally {
    failures = await load.finish();
  }
  expect(failures).toEqual([]);
  const second = await bothAnswerAll(trial, rows, first);
  expect(app.output.text).not.toMatch(/\b(WARN|ERROR)\b|"level":"?(warn|error|40|50|60)/);

  const { mark } = app.output;
  process.kill(second[0]!, 'SIGKILL');
  await app.waitForLine(/was ended by SIGKILL/, mark);
  const askedAgain = rows.map((row) => ({ ...row, ask: (asked: Trial) => inTime(row.ask(asked)) }));
  const third = await bothAnswerAll(trial, askedAgain, [second[0]!]);
  expect(third).toContain(second[1]);
  for (const row of rows) await row.exercise?.(trial);

  const exit = await app.stop();
  for (const row of rows) row.after?.(trial);
  return exit;
}

/** Call it at the top of a file: its hooks end what was started. */
export function useTrials() {
  const apps = useApps();
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-modules-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return {
    apps,
    start: (options: AppOfRows) => start(apps, folder, options),
    live: async (options: AppOfRows) => live(await start(apps, folder, options), options.rows),
  };
}
