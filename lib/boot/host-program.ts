import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { launchedScript } from '../platform/environment.js';
import type { Caller } from './callers.js';

const MODULES = 'node_modules';

/** Paths of the scripts' files and folders, as the file system has them. */
export interface Files {
  exists(file: string): boolean;
  /** Without symbolic links. */
  real(file: string): string;
}

const onDisk: Files = {
  exists: existsSync,
  real: (file) => (existsSync(file) ? realpathSync(file) : file),
};

/**
 * Path of the script that this process runs, and would run again if it were started again; undefined where there is none
 * (`node -e`, stdin, a REPL). Where a launcher such as PM2 runs the script that it was told to, it is that one.
 */
export function mainScript(
  argument: string | undefined = process.argv[1],
  launched: (launcher: string | undefined) => string | undefined = launchedScript,
): string | undefined {
  const started = scriptAt(argument);
  return (started && scriptAt(launched(packageOf(started)))) ?? started;
}

function scriptAt(argument: string | undefined): string | undefined {
  // Node makes the path of a script absolute. What is not is an argument of `node -e`, or the `-` of stdin.
  if (argument === undefined || !path.isAbsolute(argument)) return undefined;
  try {
    // As Node does: `node dist/main` is dist/main.js, and `node .` what package.json calls main.
    return realpathSync(createRequire(argument).resolve(argument));
  } catch {
    return existsSync(argument) ? realpathSync(argument) : undefined;
  }
}

/**
 * The program that runs this process and has imported the app: a dev server such as Vite, a test runner, a
 * serverless host. Undefined where the app's own main script runs.
 *
 * A worker is this process's main script, started once more. If that script is a tool's, it starts another dev server
 * and not a worker. So the code that boots the app must belong to the project of the main script, and must have been
 * loaded by Node. A dependency of the project may stand between: a library whose `bootstrap()` calls NestFactory.
 */
export function hostProgram(main: string, callers: readonly Caller[], files: Files = onDisk): string | undefined {
  const project = projectOf(main, files);
  const tool = packageOf(main);
  for (const { file: given, isEvaluated } of callers) {
    const file = files.real(given);
    const dependency = packageOf(file);
    if (isEvaluated && dependency !== undefined) return dependency;
    if (project === undefined || belongs(file, project)) return undefined;
    if (isEvaluated || dependency === undefined) return tool ?? main;
  }
  return tool;
}

/** The folder of a main script's project: its package's or the workspace's; undefined where nothing tells. */
function projectOf(main: string, { exists }: Files): string | undefined {
  const inModules = main.lastIndexOf(path.sep + MODULES + path.sep);
  if (inModules >= 0) return path.join(main.slice(0, inModules), MODULES, packageOf(main)!);
  const above = foldersAbove(main);
  // The outermost: packages of one workspace belong together.
  return above.findLast((folder) => exists(path.join(folder, 'package.json')) || exists(path.join(folder, MODULES)));
}

function foldersAbove(file: string): string[] {
  const parent = path.dirname(file);
  return parent === file ? [] : [parent, ...foldersAbove(parent)];
}

/** Whether the file is the project's own, and not one of its dependencies'. */
function belongs(file: string, project: string): boolean {
  const relative = path.relative(project, file);
  const steps = relative.split(path.sep);
  return !path.isAbsolute(relative) && steps[0] !== '..' && !steps.includes(MODULES);
}

/** Name of the installed package that a file is part of; undefined for a file of no such package. */
function packageOf(file: string): string | undefined {
  const steps = file.split(path.sep);
  const [first, second] = steps.slice(steps.lastIndexOf(MODULES) + 1);
  if (!steps.includes(MODULES) || first === undefined) return undefined;
  return first.startsWith('@') ? `${first}/${second}` : first;
}
