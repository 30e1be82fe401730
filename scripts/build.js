// Compiles lib/ to a fresh dist/, so that a file deleted from lib/ is not published from an old build.
// dist/ is ESM, bundled into a few files, with its types: Node takes nearly a millisecond for each file of ESM, in every
// worker. dist/cjs/ is the same as CommonJS, for tools that cannot require ESM, such as Jest.
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileFunction } from 'node:vm';
import { transformFile } from '@swc/core';
import { rolldown } from 'rolldown';
import { ROOT, runNode } from './run.js';

const LIB = join(ROOT, 'lib');
const DIST = join(ROOT, 'dist');
const CJS = join(DIST, 'cjs');

rmSync(DIST, { recursive: true, force: true });
const [code] = await Promise.all([
  runNode(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']),
  writeCommonJs(),
]);
process.exitCode = code;
if (process.exitCode === 0) {
  writeCommonJsTypes();
  await writeEntries();
  await bundle();
}

/** By swc, each file by itself: tsc, which checks the types, would need its whole time again. */
async function writeCommonJs() {
  const files = readdirSync(LIB, { recursive: true }).filter((file) => file.endsWith('.ts'));
  await Promise.all(files.map(writeCommonJsOf));
  writeFileSync(join(CJS, 'package.json'), '{ "type": "commonjs" }\n');
}

async function writeCommonJsOf(file) {
  const source = join(LIB, file);
  const { code, map } = await transformFile(source, { module: { type: 'commonjs' }, sourceMaps: true });
  // Throws where swc leaves what CommonJS does not have, such as an await outside of a function.
  compileFunction(code, ['exports', 'require', 'module', '__filename', '__dirname'], { filename: source });
  const target = join(CJS, file.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${code}//# sourceMappingURL=${basename(target)}.map\n`);
  writeFileSync(`${target}.map`, JSON.stringify({ ...JSON.parse(map), sources: [relative(dirname(target), source)] }));
}

/** The types are the same; whether they describe ESM or CommonJS is told by the nearest package.json. */
function writeCommonJsTypes() {
  for (const file of readdirSync(DIST, { recursive: true })) {
    if (file.endsWith('.d.ts') && !file.startsWith('cjs')) copyFileSync(join(DIST, file), join(CJS, file));
  }
}

/** What package.json names as '.': all copies in a process hand out the classes of the one that was loaded first. */
async function writeEntries() {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const names = Object.keys(await import(pathToFileURL(join(DIST, 'index.js')))).toSorted();
  const esm = [
    "import { fileURLToPath } from 'node:url';",
    "import { shareCopy } from './boot/shared-copy.js';",
    "import * as own from './index.js';",
    `const shared = shareCopy(own, '${version}', fileURLToPath(new URL('..', import.meta.url)));`,
    ...names.map((name) => `export const ${name} = shared.${name};`),
  ];
  const cjs = [
    "'use strict';",
    "Object.defineProperty(exports, '__esModule', { value: true });",
    "const { join, sep } = require('node:path');",
    "const { shareCopy } = require('./boot/shared-copy.js');",
    `const shared = shareCopy(require('./index.js'), '${version}', join(__dirname, '../..') + sep);`,
    ...names.map((name) => `exports.${name} = shared.${name};`),
  ];
  for (const { folder, lines } of [
    { folder: DIST, lines: esm },
    { folder: CJS, lines: cjs },
  ]) {
    writeFileSync(join(folder, 'entry.js'), ['// Written by scripts/build.js.', ...lines, ''].join('\n'));
  }
}

/**
 * What is installed beside this package stays there, but zod, of which the options need a part: whole it takes as long to
 * load as all the rest. The files that the bundle is made of stay: who looks at one module imports it by its path.
 */
async function bundle() {
  const entries = ['entry', 'index', 'engines/nats/index', 'engines/redis/index', 'testing/index'];
  const input = Object.fromEntries(entries.map((name) => [name, join(DIST, `${name}.js`)]));
  const build = await rolldown({
    input,
    platform: 'node',
    external: (id) => !/^(\.|\/|zod$)/.test(id) && !id.startsWith(ROOT),
    treeshake: { moduleSideEffects: (id) => !id.includes('/node_modules/zod/') },
  });
  const { output } = await build.generate({
    format: 'esm',
    sourcemap: true,
    keepNames: true,
    chunkFileNames: 'chunks/[name].js',
  });
  await build.close();
  for (const { fileName, code, source } of output) {
    const target = join(DIST, fileName);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code ?? source);
  }
}
