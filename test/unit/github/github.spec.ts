import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { problemsOfWorkflow } from './workflow-schema.js';

const ROOT = join(import.meta.dirname, '../../..');
const WORKFLOWS = join(ROOT, '.github/workflows');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

type Step = { uses?: string; run?: string };
type Job = {
  permissions?: unknown;
  'timeout-minutes'?: number;
  steps: Step[];
  strategy?: { matrix: { node: number[] } };
};
type Workflow = { permissions?: unknown; jobs: Record<string, Job> };

const ci = () => parse(read('.github/workflows/ci.yml')) as Workflow;

describe.each(readdirSync(WORKFLOWS))('workflow %s', (file) => {
  const source = readFileSync(join(WORKFLOWS, file), 'utf8');
  const workflow = parse(source) as Workflow;
  const jobs = Object.values(workflow.jobs);

  it('is what GitHub accepts', async () => {
    expect(await problemsOfWorkflow(source)).toEqual([]);
  });

  it('may only read the repository unless a job says otherwise', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  it('uses actions of GitHub alone, each pinned by its major version', () => {
    const actions = jobs.flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    expect(actions.filter((action) => !/^actions\/[a-z-]+@v\d+$/.test(action))).toEqual([]);
  });

  it('ends a job that hangs', () => {
    expect(jobs.filter((job) => job['timeout-minutes'] === undefined)).toEqual([]);
  });
});

describe('CI', () => {
  it('starts at the oldest Node that package.json supports', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const [oldest] = /\d+/.exec(engines.node) ?? [];
    expect(Math.min(...ci().jobs.test!.strategy!.matrix.node)).toBe(Number(oldest));
  });

  it('runs what .ci/run runs, with the same packages of the system', () => {
    const gate = read('.ci/run');
    const commands = ci().jobs.test!.steps.map(({ run }) => run ?? '');
    expect(commands.filter((run) => run.startsWith('npm '))).toEqual(gate.match(/^npm .*$/gm));

    const [, tools = ''] = /^for tool in (.*); do$/m.exec(gate) ?? [];
    const packages = tools.split(' ').map((tool) => tool.split(':')[1]!);
    for (const name of packages) expect(commands.join('\n')).toContain(` ${name}`);
  });
});

describe('a release', () => {
  it('is published in the open, with provenance, by the one job that may ask for a token', () => {
    const { publishConfig } = JSON.parse(read('package.json')) as { publishConfig: object };
    expect(publishConfig).toEqual({ access: 'public', provenance: true });
    const { jobs } = parse(read('.github/workflows/release.yml')) as Workflow;
    expect(jobs.publish!.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect(Object.values(ci().jobs).filter(({ permissions }) => permissions !== undefined)).toEqual([]);
  });
});

describe('what is not a workflow is found', () => {
  it.each<[string, string, string, string]>([
    ['an unknown key of a job', '    runs-on: macos-latest', '    run-on: macos-latest', 'run-on'],
    ['an unknown key of a step', '      - run: npm test', '      - runs: npm test', 'runs'],
    ['a job that is not there', '    runs-on: macos-latest', '    runs-on: macos-latest\n    needs: tests', 'tests'],
    ['an expression that does not end', '${{ matrix.node }} on', '${{ matrix.node on', 'expression'],
    ['an unknown permission', '  contents: read', '  content: read', 'content'],
  ])('%s', async (_, right, wrong, named) => {
    const source = read('.github/workflows/ci.yml');
    expect(source).toContain(right);
    expect((await problemsOfWorkflow(source.replace(right, wrong))).join('\n')).toContain(named);
  });
});

describe('issue templates', () => {
  it.each(readdirSync(join(ROOT, '.github/ISSUE_TEMPLATE')))(
    '%s has a name, a description and fields with labels',
    (file) => {
      const form = parse(read(`.github/ISSUE_TEMPLATE/${file}`)) as {
        name: string;
        description: string;
        body: { type: string; id?: string; attributes: { label?: string; value?: string } }[];
      };
      expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
      const fields = form.body.filter(({ type }) => type !== 'markdown');
      expect(fields.filter(({ id, attributes }) => id === undefined || attributes.label === undefined)).toEqual([]);
      expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length);
    },
  );
});
