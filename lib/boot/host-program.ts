import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { launchedScript } from '../platform/environment.js';
import type { Caller } from './callers.js';

const MODULES = 'node_modules';

/** The file system, as far as it is needed to find scripts and their folders. */
export interface Files {
  exists(file: string): boolean;
  /** The path with all symbolic links resolved. */
  real(file: string): string;
}

const onDisk: Files = {
  exists: existsSync,
  real: (file) => (existsSync(file) ? realpathSync(file) : file),
};

/**
 * Path of the script that this process runs, and would run again if it were started again; undefined if there is none
 * (`node -e`, stdin, a REPL). If a launcher such as PM2 runs another script, it is that script.
 */
export function mainScript(
  argument: string | undefined = process.argv[1],
  launched: (launcher: string | undefined) => string | undefined = launchedScript,
): string | undefined {
  const started = scriptAt(argument);
  return (started && scriptAt(launched(packageOf(started)))) ?? started;
}

function scriptAt(argument: string | undefined): string | undefined {
  // Node makes the path of a script absolute. Anything else is an argument of `node -e`, or the `-` of stdin.
  if (argument === undefined || !path.isAbsolute(argument)) return undefined;
  try {
    // As Node resolves it: `node dist/main` is dist/main.js, and `node .` is the main file of package.json.
    return realpathSync(createRequire(argument).resolve(argument));
  } catch {
    return existsSync(argument) ? realpathSync(argument) : undefined;
  }
}

/**
 * The program that runs this process and has imported the app: a dev server such as Vite, a test runner, a
 * serverless host. Undefined if the app's own main script runs.
 *
 * A worker is this process's main script, started again. If that script belongs to a tool, it starts another dev server
 * and not a worker. So the code that boots the app must belong to the project of the main script, and must have been
 * loaded by Node. A dependency of the project may come in between: a library whose `bootstrap()` calls NestFactory.
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

/** The folder of a main script's project: that of its package or workspace; undefined if it cannot be found. */
function projectOf(main: string, { exists }: Files): string | undefined {
  const inModules = main.lastIndexOf(path.sep + MODULES + path.sep);
  if (inModules >= 0) return path.join(main.slice(0, inModules), MODULES, packageOf(main)!);
  const above = foldersAbove(main);
  // The outermost, because packages of one workspace belong together.
  return above.findLast((folder) => exists(path.join(folder, 'package.json')) || exists(path.join(folder, MODULES)));
}

function foldersAbove(file: string): string[] {
  const parent = path.dirname(file);
  return parent === file ? [] : [parent, ...foldersAbove(parent)];
}

/** Whether the file belongs to the project itself, and not to one of its dependencies. */
function belongs(file: string, project: string): boolean {
  const relative = path.relative(project, file);
  const steps = relative.split(path.sep);
  return !path.isAbsolute(relative) && steps[0] !== '..' && !steps.includes(MODULES);
}

/** Name of the installed package that a file belongs to; undefined if it belongs to none. */
function packageOf(file: string): string | undefined {
  const steps = file.split(path.sep);
  const [first, second] = steps.slice(steps.lastIndexOf(MODULES) + 1);
  if (!steps.includes(MODULES) || first === undefined) return undefined;
  return first.startsWith('@') ? `${first}/${second}` : first;
}
