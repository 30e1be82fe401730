// Compiles lib/ to a fresh dist/, so that a file deleted from lib/ is not published from an old build.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runNode } from './run.js';

rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
process.exitCode = await runNode(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
