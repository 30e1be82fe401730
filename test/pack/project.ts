import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** What npm and jest say to their children about themselves; a user's shell says none of it. */
const NOT_A_USERS = /^(npm_(lifecycle|package|config_(local_)?prefix)|JEST_|NODE_ENV$|NODE_OPTIONS$)/;

/** This process's environment as a user's shell would have it. */
export function userEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_A_USERS.test(name)));
}

/** Runs a command to its end and returns its standard output; rejects with its output when it fails. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await execute(command, args, { cwd, env: userEnvironment() })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

/** An empty project of a user's in a temporary folder. */
export class Project {
  private readonly children = new Set<ChildProcess>();
  private constructor(readonly folder: string) {}

  /** @param manifest what its package.json has */
  static async create(manifest: object = {}): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), 'nestjs-cluster-pack-')));
    await project.write('package.json', JSON.stringify({ name: 'a-users-app', private: true, ...manifest }));
    return project;
  }

  async write(name: string, content: string): Promise<void> {
    const file = join(this.folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  async install(...packages: string[]): Promise<void> {
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...packages], this.folder);
  }

  /** Starts `node file` with `env` added; resolves once `lines` lines of its output match `ready`. */
  async start(file: string, env: Record<string, string>, ready: RegExp, lines: number): Promise<ChildProcess> {
    const child = spawn(process.execPath, [file], {
      cwd: this.folder,
      env: { ...userEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.add(child);
    const output: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    await new Promise<void>((resolve, reject) => {
      let seen = 0;
      createInterface(child.stdout).on('line', (line) => {
        output.push(`${line}\n`);
        if (ready.test(line) && ++seen === lines) resolve();
      });
      child.once('exit', (code, signal) => {
        reject(new Error(`node ${file} ended with ${code ?? signal} before it was ready\n${output.join('')}`));
      });
    });
    return child;
  }

  /** Ends every process that still runs. A primary's workers leave with it. */
  async stop(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
    this.children.clear();
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A port nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
