/** The files of Nest 11's starter, as `nest new` writes them; the module is imported in one of them. */
const SOURCES = {
  'nest-cli.json': JSON.stringify({
    collection: '@nestjs/schematics',
    sourceRoot: 'src',
    compilerOptions: { deleteOutDir: true },
  }),
  'tsconfig.build.json': JSON.stringify({
    extends: './tsconfig.json',
    exclude: ['node_modules', 'test', 'dist', '**/*spec.ts'],
  }),
  'src/main.ts': `
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
bootstrap();
`,
  'src/app.module.ts': `
import { Module } from '@nestjs/common';
import { ClusterModule } from 'nestjs-cluster';
import { AppController } from './app.controller';
import { AppService } from './app.service';

@Module({
  imports: [ClusterModule.forRoot(2)],
  controllers: [AppController],
  providers: [AppService],
})
export class AppModule {}
`,
  'src/app.controller.ts': `
import { Controller, Get } from '@nestjs/common';
import { AppService } from './app.service';

@Controller()
export class AppController {
  constructor(private readonly appService: AppService) {}

  @Get()
  getHello(): string {
    return this.appService.getHello();
  }
}
`,
  'src/app.service.ts': `
import { Injectable } from '@nestjs/common';

@Injectable()
export class AppService {
  getHello(): string {
    return 'Hello World!';
  }
}
`,
  'src/app.controller.spec.ts': `
import { Test, TestingModule } from '@nestjs/testing';
import { AppController } from './app.controller';
import { AppService } from './app.service';

describe('AppController', () => {
  let appController: AppController;

  beforeEach(async () => {
    const app: TestingModule = await Test.createTestingModule({
      controllers: [AppController],
      providers: [AppService],
    }).compile();

    appController = app.get<AppController>(AppController);
  });

  describe('root', () => {
    it('should return "Hello World!"', () => {
      expect(appController.getHello()).toBe('Hello World!');
    });
  });
});
`,
  'test/app.e2e-spec.ts': `
import { Test, TestingModule } from '@nestjs/testing';
import { INestApplication } from '@nestjs/common';
import request from 'supertest';
import { App } from 'supertest/types';
import { AppModule } from './../src/app.module';

describe('AppController (e2e)', () => {
  let app: INestApplication<App>;

  beforeEach(async () => {
    const moduleFixture: TestingModule = await Test.createTestingModule({
      imports: [AppModule],
    }).compile();

    app = moduleFixture.createNestApplication();
    await app.init();
  });

  it('/ (GET)', () => {
    return request(app.getHttpServer())
      .get('/')
      .expect(200)
      .expect('Hello World!');
  });
});
`,
  'test/jest-e2e.json': JSON.stringify({
    moduleFileExtensions: ['js', 'json', 'ts'],
    rootDir: '.',
    testEnvironment: 'node',
    testRegex: '.e2e-spec.ts$',
    transform: { '^.+\\.(t|j)s$': 'ts-jest' },
  }),
};

/** Of its package.json. */
export const MANIFEST = {
  scripts: { build: 'nest build', test: 'jest', 'test:e2e': 'jest --config ./test/jest-e2e.json' },
  jest: {
    moduleFileExtensions: ['js', 'json', 'ts'],
    rootDir: 'src',
    testRegex: '.*\\.spec\\.ts$',
    transform: { '^.+\\.(t|j)s$': 'ts-jest' },
    testEnvironment: 'node',
  },
};

const COMPILER_OPTIONS = {
  esModuleInterop: true,
  declaration: true,
  removeComments: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  allowSyntheticDefaultImports: true,
  target: 'ES2023',
  sourceMap: true,
  outDir: './dist',
  baseUrl: './',
  incremental: true,
  skipLibCheck: true,
  strictNullChecks: true,
  noImplicitAny: false,
};

/** The starter of one version of Nest's CLI: they differ in how modules are resolved, and in the tools they bring. */
export interface Starter {
  readonly compilerOptions: Record<string, unknown>;
  /** What package.json brings beside Nest. jest-util, which ts-jest needs, is named: npm may not hoist it over another Jest. */
  readonly tools: readonly string[];
}

/** That of today. */
export const NODE_NEXT: Starter = {
  compilerOptions: {
    ...COMPILER_OPTIONS,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    resolvePackageJsonExports: true,
    isolatedModules: true,
  },
  tools: ['jest@30', 'jest-util@30', '@types/jest@30', 'ts-jest@29', 'typescript@5.9'],
};

/** That of the first versions of Nest 11, with moduleResolution node10. */
export const NODE_10: Starter = {
  compilerOptions: { ...COMPILER_OPTIONS, module: 'commonjs' },
  tools: ['jest@29', 'jest-util@29', '@types/jest@29', 'ts-jest@29', 'typescript@5.7'],
};

/** Its files beside package.json. */
export function filesOf({ compilerOptions }: Starter): Record<string, string> {
  return { ...SOURCES, 'tsconfig.json': JSON.stringify({ compilerOptions }) };
}
