import type { LogLevel } from '@nestjs/common';
import type { BootFacts, StandaloneReason } from './choose-role.js';

const SWITCH_ON = 'NESTJS_CLUSTER=on in the environment makes it a cluster all the same.';

/** The log line for a process that runs standalone without having been told to; undefined if it needs none. */
export function standaloneMessage(
  reason: StandaloneReason,
  { kind, host }: Pick<BootFacts, 'kind' | 'host'>,
): { level: Extract<LogLevel, 'log' | 'warn'>; text: string } | undefined {
  switch (reason) {
    case 'context':
      return {
        level: 'log',
        text:
          'An application context runs once, in this process, and forks no workers. ' +
          'If it is to run in every worker, give ClusterModule the option contexts: true.',
      };
    case 'descendant':
      if (kind === 'context') return undefined;
      return {
        level: 'log',
        text: `This process runs standalone: a process of a cluster started it. ${SWITCH_ON}`,
      };
    case 'test-run':
      return {
        level: 'log',
        text: `This process runs standalone: its environment is that of a test runner. ${SWITCH_ON}`,
      };
    case 'no-script':
      return {
        level: 'warn',
        text:
          'This process runs standalone: it has no main script that a worker could be started with. ' +
          'Start the app as a file (node dist/main.js), or name one by the option fork.exec.',
      };
    case 'hosted':
      return {
        level: 'warn',
        text:
          `This process runs standalone: ${host} runs it and has imported the app, and a worker would start ${host} ` +
          `once more. Start the app by its own main script for a cluster. ${SWITCH_ON}`,
      };
    case 'unknown-boot':
      return {
        level: 'warn',
        text:
          'This process runs standalone: ClusterModule was not awaited by NestFactory.create() or createMicroservice(). ' +
          `Put what forRoot() returns into imports as it is, and import nestjs-cluster before the app is created. ${SWITCH_ON}`,
      };
    case 'switched-off':
    case 'disabled':
    case 'thread':
    case 'preview':
    case 'repl':
    case 'test':
      return undefined;
  }
}

/** Why a process cannot become a primary although NESTJS_CLUSTER=on asks for it. */
export const NO_SCRIPT =
  'ClusterModule: NESTJS_CLUSTER is on, but this process has no main script that a worker could be started with. ' +
  'Start the app as a file (node dist/main.js), or name one by the option fork.exec.';

/** What is known about a primary that is not of this package. */
export interface ForeignPrimary {
  readonly isPm2: boolean;
  readonly pid: number;
  /** Its command line; undefined if it cannot be read. */
  readonly command: string | undefined;
}

/** Why this process cannot be a primary: another primary forked it. */
export function foreignPrimaryMessage({ isPm2, pid, command }: ForeignPrimary): string {
  const what =
    'ClusterModule: this process is a node:cluster worker of another primary and cannot fork workers of its own. ';
  if (isPm2) {
    return (
      `${what}That primary is PM2 in cluster mode. Let PM2 start one ordinary process, and the module its workers: ` +
      "exec_mode: 'fork', instances: 1 (or set enabled: false, and PM2 runs the workers)."
    );
  }
  if (command && /webpack|rspack/.test(command)) {
    return (
      `${what}That primary is webpack's hot reload (${command}), by run-script-webpack-plugin or the like. ` +
      'Set NESTJS_CLUSTER=off in the environment of that command: one process is all that hot reload can replace. ' +
      'Or develop with nest start --watch.'
    );
  }
  return (
    `${what}That primary is process ${pid}${command ? ` (${command})` : ''}. Start this app as one ordinary process, ` +
    'or set NESTJS_CLUSTER=off in its environment (or the option enabled: false).'
  );
}
