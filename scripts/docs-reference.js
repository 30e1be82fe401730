// Writes docs/reference/options.md and docs/reference/errors.md from the code: names, types and texts from the docstrings,
// defaults and bounds from the schemas that check the options at start.
// With --check it writes nothing, and fails where a page is not what would be written.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as prettier from 'prettier';
import { rolldown } from 'rolldown';
import ts from 'typescript';
import { ROOT } from './run.js';

const NOTICE =
  '<!-- Written by `npm run docs:reference` from the code. Change the docstring there, and run it again. -->';

/** Bounds that say no more than the type does. */
const SAID_BY_TYPE = /^(true or false|a string|a function|an array of strings|an object)$/;

const isCheck = process.argv.includes('--check');
const schemas = await loadSchemas({
  cluster: 'lib/options/options.schema.ts',
  nats: 'lib/engines/nats/options.ts',
  redis: 'lib/engines/redis/options.ts',
});
const outdated = [];
await writePage('docs/reference/options.md', optionsPage());
await writePage('docs/reference/errors.md', errorsPage());
if (outdated.length > 0) {
  console.error(`${outdated.join(', ')}: not what the code says. Run: npm run docs:reference`);
  process.exitCode = 1;
}

async function writePage(path, lines) {
  const file = join(ROOT, path);
  const config = await prettier.resolveConfig(file);
  const text = await prettier.format(lines.join('\n\n'), { ...config, proseWrap: 'always', filepath: file });
  if (!isCheck) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } else if (text !== readOrEmpty(file)) outdated.push(path);
}

function readOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Node 20 does not run TypeScript: the modules are bundled into a temporary folder and imported from there. */
async function loadSchemas(sources) {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-reference-'));
  try {
    const input = Object.fromEntries(Object.entries(sources).map(([name, path]) => [name, join(ROOT, path)]));
    const build = await rolldown({ input, platform: 'node' });
    await build.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' });
    await build.close();
    const load = (name) => import(pathToFileURL(join(folder, `${name}.mjs`)).href);
    const [cluster, nats, redis] = await Promise.all(Object.keys(sources).map(load));
    return { cluster: cluster.optionsSchema, nats: nats.natsSchema, redis: redis.redisSchema };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Options

function optionsPage() {
  const file = declarations('lib/options/cluster-options.interface.ts');
  const options = membersOf(file.get('ClusterOptions'));
  const isSection = ({ name }) => innermost(schemas.cluster.shape[name]).shape !== undefined;
  const sections = options.filter(isSection).flatMap(({ name, type }) => {
    const declared = file.get(type);
    const { shape } = innermost(schemas.cluster.shape[name]);
    return [`## ${name}`, docOf(declared), ...sectionOf(membersOf(declared), shape, `${name}.`, file)];
  });
  return [
    NOTICE,
    '# Options',
    '`ClusterModule.forRoot(options)` takes these options, and the factory of `forRootAsync` returns them. All are ' +
      'optional; `forRoot(4)` is short for `forRoot({ workers: 4 })`. Times are in ms, sizes in bytes. At start, unknown ' +
      'keys and values that are not allowed are refused with one `ClusterOptionsError` that lists them all.',
    'More: [notes on the options](options-notes.md), [environment variables](environment.md), ' +
      '[brokers](../guides/many-hosts.md#options).',
    '```ts\nClusterModule.forRoot({ workers: 4, shutdown: { delay: 5_000 } })\n```',
    '## Top level',
    ...sectionOf(
      options.filter((option) => !isSection(option)),
      schemas.cluster.shape,
      '',
      file,
    ),
    ...sections,
    ...engineSection('nats', 'NatsOptions'),
    ...engineSection('redis', 'RedisOptions'),
  ];
}

function engineSection(engine, type) {
  const file = declarations(`lib/engines/${engine}/options.ts`);
  const { shape } = schemas[engine];
  const members = membersOf(file.get(type));
  const others = Object.keys(shape).filter((key) => !members.some(({ name }) => name === key));
  return [
    `## ${engine}()`,
    docOf(file.get(type)),
    ...sectionOf(members, shape, `${engine}: `, file),
    `### ${engine}: options of the client`,
    'The messenger relies on some options of the client, so these are checked, too:',
    others.map((key) => `- \`${key}\` must be ${allowed(shape[key])}`.replace('be nothing:', 'not be set:')).join('\n'),
  ];
}

function sectionOf(members, shape, prefix, file) {
  const unknown = members.filter(({ name }) => shape[name] === undefined);
  if (unknown.length > 0) throw new Error(`No schema for ${unknown.map(({ name }) => prefix + name).join(', ')}.`);
  return members.flatMap((member) => optionEntry(member, shape[member.name], prefix + member.name, file));
}

function optionEntry({ doc, type }, schema, path, file) {
  const alias = ts.isTypeAliasDeclaration(file.get(type) ?? file) ? file.get(type) : undefined;
  const { text, byDefault } = splitDefault(doc, schema, path);
  const fullType = alias?.type.getText() ?? type;
  const bounds = allowed(schema);
  const saidByType = SAID_BY_TYPE.test(bounds) || bounds === fullType.replaceAll(' | ', ' or ');
  const facts = [`- Type: \`${fullType}\``, ...(saidByType ? [] : [`- Allowed: ${bounds}`]), `- Default: ${byDefault}`];
  return [`### ${path}`, facts.join('\n'), alias ? docOf(alias) : text];
}

/**
 * The default of an option: what its docstring says after `Default`. Without a colon that begins with the value, which
 * has to be the schema's; with a colon it is prose, where the value depends on the machine or on other options.
 */
function splitDefault(doc, schema, path) {
  const [sentence, colon, said] = /\s*\bDefault(:?)\s+(.+?)\.(?=\s|$)/s.exec(doc) ?? [];
  const text = sentence === undefined ? doc : doc.replace(sentence, '').trim();
  const value = literalDefault(schema);
  if (said === undefined) return { text, byDefault: value === undefined ? 'none' : `\`${value}\`` };
  if (colon === ':' || value === undefined) return { text, byDefault: said };
  const plain = said.replaceAll('`', '').replace(/(?<=\d)\s(?=\d{3})/g, '_');
  if (!plain.startsWith(value)) throw new Error(`${path}: its docstring says ${said}, its schema ${value}.`);
  return { text, byDefault: `\`${value}\`${plain.slice(value.length).replace(/(?<=\d)_/g, ',')}` };
}

/** A default as code: 'auto', 30_000, ['SIGHUP', 'SIGUSR2']. */
function literalDefault({ _zod: { def } }) {
  if (def.type === 'optional') return undefined;
  if (def.type !== 'default') throw new Error(`An option of type ${def.type} is neither optional nor has a default.`);
  return literal(def.defaultValue);
}

function literal(value) {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'object' && Object.keys(value).length === 0) return '{}';
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  return String(value).replace(/\B(?=(\d{3})+$)/g, '_');
}

/** What the schema says of a value that nothing allows. */
function allowed(schema) {
  const { error } = schema.safeParse(Symbol('not allowed'));
  const [{ message }] = error.issues;
  return message.replace(/^expected /, '');
}

/** The schema within `.default()`, `.prefault()`, `.optional()`. */
function innermost(schema) {
  const { innerType } = schema._zod.def;
  return innerType === undefined ? schema : innermost(innerType);
}

// Errors

function errorsPage() {
  const classes = [...declarations('lib/errors/errors.ts').values()].filter(ts.isClassDeclaration).map(errorOf);
  const rows = classes.map(({ name, code }) => `| [\`${name}\`](#${name.toLowerCase()}) | ${code} |`);
  return [
    NOTICE,
    '# Errors',
    'Every error of the package extends `ClusterError` and has a `code` that stays the same from release to release. The ' +
      'message names what was refused, and the remedy. How errors travel between workers: ' +
      '[messaging](../guides/messaging.md#errors).',
    ['| class | `code` |', '| --- | --- |', ...rows].join('\n'),
    ...classes.flatMap(({ name, code, doc, fields }) => [
      `## ${name}`,
      `Code: ${code}`,
      doc,
      fields.map((field) => `- \`${field.name}: ${field.type}\`. ${field.doc}`).join('\n'),
    ]),
  ].filter((part) => part !== '');
}

function errorOf(node) {
  const code = node.members.find((member) => isStatic(member) && member.name?.getText() === 'code');
  const constructor = node.members.find(ts.isConstructorDeclaration);
  const properties = [...node.members.filter(ts.isPropertyDeclaration), ...(constructor?.parameters ?? [])];
  const fields = properties.filter((member) => isReadonly(member) && !isStatic(member)).map(memberOf);
  return {
    name: node.name.text,
    code: ts.isStringLiteral(code.initializer) ? `\`${code.initializer.text}\`` : 'that of the subclass',
    doc: docOf(node),
    fields: fields.filter(({ doc }) => doc !== ''),
  };
}

function isStatic(node) {
  return has(node, ts.SyntaxKind.StaticKeyword);
}

function isReadonly(node) {
  return has(node, ts.SyntaxKind.ReadonlyKeyword);
}

function has(node, kind) {
  return node.modifiers?.some((modifier) => modifier.kind === kind) ?? false;
}

// TypeScript

/** What a file declares, by name. */
function declarations(path) {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const { statements } = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return new Map(statements.filter((node) => node.name !== undefined).map((node) => [node.name.text, node]));
}

function membersOf(declared) {
  return declared.members.map(memberOf);
}

function memberOf(node) {
  return { name: node.name.getText(), type: node.type.getText(), doc: docOf(node) };
}

/** A docstring without its tags. */
function docOf(node) {
  const comment = ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc);
  return (ts.getTextOfJSDocComment(comment?.comment) ?? '').trim();
}
