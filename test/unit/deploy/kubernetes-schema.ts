import { join } from 'node:path';
import ts from 'typescript';
import type { Json } from './manifests.js';

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  lib: ['lib.es5.d.ts'],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
};

/** What was parsed once is the same for every check. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/**
 * What Kubernetes' OpenAPI does not allow in these manifests: unknown keys, missing ones, wrong types.
 *
 * `kubernetes-types` is that OpenAPI as TypeScript, and an object literal may hold no key that its type has not. So the
 * compiler that is here anyway is the validator.
 */
export function problemsOfManifests(documents: readonly Json[]): string[] {
  const sources = new Map(
    documents.map((document, index) => [join(import.meta.dirname, `manifest-${index}.ts`), sourceOf(document)]),
  );
  const program = ts.createProgram({ rootNames: [...sources.keys()], options: OPTIONS, host: hostOf(sources) });
  return ts.getPreEmitDiagnostics(program).map(({ messageText, file }) => {
    const document = documents[[...sources.keys()].indexOf(file?.fileName ?? '')];
    const subject = document ? `${document.kind} ${document.metadata?.name}` : (file?.fileName ?? '');
    return `${subject}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

/** The manifest as a constant of its kind's type. */
function sourceOf(document: Json): string {
  const [version, group = 'core'] = String(document.apiVersion).split('/').toReversed();
  const [folder] = group.split('.');
  return [
    `import type { ${document.kind} } from 'kubernetes-types/${folder}/${version}';`,
    `export const manifest: ${document.kind} = ${JSON.stringify(document)};`,
  ].join('\n');
}

/** Files of the disk, and these sources beside them. */
function hostOf(sources: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(OPTIONS);
  return {
    ...host,
    fileExists: (path) => sources.has(path) || host.fileExists(path),
    getSourceFile(path, options) {
      const source = sources.get(path);
      if (source !== undefined) return ts.createSourceFile(path, source, options);
      if (!parsed.has(path)) parsed.set(path, host.getSourceFile(path, options));
      return parsed.get(path);
    },
  };
}
