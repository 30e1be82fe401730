import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { chosenLogger, quietly, writesJson } from '../../../lib/platform/nest-logger.js';
import { systemClock } from '../../../lib/platform/clock.js';
import { LogFormat } from '../../../lib/primary/output/log-format.js';
import { PrimaryLogger } from '../../../lib/primary/output/primary-logger.js';

const nests = chosenLogger()!;
afterEach(() => Logger.overrideLogger(nests));

function recorder() {
  const lines: string[] = [];
  const add = (message: unknown) => void lines.push(String(message));
  return { lines, log: add, warn: add, error: add } satisfies LoggerService & { lines: string[] };
}

/** What is written to stdout while `work` runs. */
function printed(work: () => void): string {
  const write = process.stdout.write;
  let text = '';
  process.stdout.write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  try {
    work();
  } finally {
    process.stdout.write = write;
  }
  return text;
}

describe("the primary's logger", () => {
  it('is the one of the option', () => {
    const chosen = recorder();
    new PrimaryLogger(new LogFormat(), systemClock).choose(chosen);
    new Logger('Cluster').log('one');
    expect(chosen.lines).toEqual(['one']);
  });

  it('is the one that main.ts gave to NestFactory.create', () => {
    const chosen = recorder();
    Logger.overrideLogger(chosen);
    new PrimaryLogger(new LogFormat(), systemClock).choose(undefined);
    new Logger('Cluster').log('one');
    expect(chosen.lines).toEqual(['one']);
  });

  it('writes text, and JSON from when a worker is known to', () => {
    const primary = new PrimaryLogger(new LogFormat(), systemClock);
    primary.choose(undefined);
    const logger = new Logger('Cluster');
    expect(printed(() => logger.log('one'))).toMatch(/\[Nest\].*one/);
    primary.workerReady(true);
    expect(JSON.parse(printed(() => logger.log('two')))).toMatchObject({
      level: 'log',
      message: 'two',
      context: 'Cluster',
    });
  });

  it('is the one that the primary module chose', () => {
    const primary = new PrimaryLogger(new LogFormat(), systemClock);
    primary.choose(undefined);
    const chosen = recorder();
    Logger.overrideLogger(chosen);
    primary.settle();
    new Logger('Cluster').log('one');
    expect(chosen.lines).toEqual(['one']);
  });

  it("is nobody's where the app wants none", () => {
    Logger.overrideLogger(false);
    new PrimaryLogger(new LogFormat(), systemClock).choose(undefined);
    expect(printed(() => new Logger('Cluster').log('one'))).toBe('');
  });
});

it('a context that is brought up quietly leaves the logger as it was', async () => {
  const chosen = recorder();
  Logger.overrideLogger(chosen);
  await quietly(async () => {
    new Logger('InstanceLoader').log('noise');
    new Logger('Settings').warn('no such file');
  });
  new Logger('Cluster').log('one');
  expect(chosen.lines).toEqual(['no such file', 'one']);
});

it('a logger of Nest is known by its option to write JSON', () => {
  expect(writesJson(new ConsoleLogger({ json: true }))).toBe(true);
  expect(writesJson(new ConsoleLogger())).toBe(false);
  expect(writesJson(recorder())).toBe(false);
});
