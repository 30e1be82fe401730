// Compiles src/ of every sample, and of the apps the end-to-end tests start, to the dist/ beside it.
// They import 'nestjs-cluster' by name and so see the built package: build that first.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runNode } from './run.js';

const samples = readdirSync(join(ROOT, 'sample')).map((name) => join('sample', name));
const projects = [...samples, 'test/e2e/fixtures'].filter((folder) => existsSync(join(ROOT, folder, 'src')));

for (const folder of projects) {
  if (!existsSync(join(ROOT, folder, 'tsconfig.json'))) {
    console.error(`${folder} has no tsconfig.json. Add one that extends tsconfig.samples.json.`);
    process.exit(1);
  }
  rmSync(join(ROOT, folder, 'dist'), { recursive: true, force: true });
}
if (projects.length > 0) {
  process.exitCode = await runNode(['node_modules/typescript/bin/tsc', '--build', '--force', ...projects]);
}
