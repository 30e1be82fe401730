import { fileURLToPath } from 'node:url';

/** How many frames of the stack are read. */
const DEPTH = 100;

/** A place in the code that made a call. */
export interface Caller {
  /** Path of the file; for code that was evaluated from a string, path of the file that evaluated it. */
  readonly file: string;
  /** Whether the code was evaluated from a string, by `eval` or `new Function`. */
  readonly isEvaluated: boolean;
}

/** The files on the stack below the call of `callee`, the nearest first. */
export function callersOf(callee: Function): Caller[] {
  const sites = sitesBelow(callee);
  return sites.flatMap((site, index) => {
    const isEvaluated = site.isEval();
    const file = isEvaluated ? evaluatorOf(site, sites.slice(index + 1)) : pathOf(site.getFileName());
    return file === undefined ? [] : [{ file, isEvaluated }];
  });
}

/** Code that names itself (`//# sourceURL=`) hides its evaluator; then the file that called it is used. */
function evaluatorOf(site: NodeJS.CallSite, below: readonly NodeJS.CallSite[]): string | undefined {
  const named = pathOf(evaluatorIn(site.getEvalOrigin()));
  return named ?? pathOf(below.find((other) => !other.isEval() && pathOf(other.getFileName()))?.getFileName());
}

function sitesBelow(callee: Function): readonly NodeJS.CallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = DEPTH;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, callee);
    return Array.isArray(holder.stack) ? (holder.stack as NodeJS.CallSite[]) : [];
  } catch {
    // Error is frozen (--frozen-intrinsics), so the callers stay unknown.
    return [];
  } finally {
    if (!Object.isFrozen(Error)) Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
}

/** Finds the innermost file of 'eval at run (eval at load (file:///a/b.js:1:2), <anonymous>:3:4)'. */
function evaluatorIn(origin: string | undefined): string | undefined {
  return origin?.match(/\(([^()]+):\d+:\d+\)/)?.[1];
}

/** The path of a file; undefined for Node's own code and for names that a tool made up. */
function pathOf(name: string | null | undefined): string | undefined {
  if (!name) return undefined;
  if (name.startsWith('file:')) return fileURLToPath(new URL(name));
  return name.startsWith('/') || /^[A-Za-z]:[\\/]/.test(name) ? name : undefined;
}
