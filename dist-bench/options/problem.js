import { inspect } from 'node:util';
import { ClusterOptionsError } from '../errors/index.js';
/** Characters of a refused value that an error message shows. */
const SHOWN = 80;
/** A refused value as an error message shows it: on one line, and short. */
export function show(value) {
    const text = inspect(value, { depth: 1, maxArrayLength: 5, maxStringLength: SHOWN - 2, breakLength: Infinity });
    const line = text.replaceAll(/\s*\n\s*/g, ' ');
    return line.length > SHOWN ? `${line.slice(0, SHOWN - 1)}…` : line;
}
/** The one error for all that is wrong. */
export function refusal(call, problems) {
    const lines = problems.map(({ path, got, remedy }) => `  ${path}: got ${got}; ${remedy}`);
    return new ClusterOptionsError(`${call} was given options it cannot use:\n${lines.join('\n')}`);
}
//# sourceMappingURL=problem.js.map