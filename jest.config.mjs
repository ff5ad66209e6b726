import { readdirSync, existsSync } from 'node:fs';

const swc = {
  jsc: {
    target: 'es2022',
    keepClassNames: true,
    parser: { syntax: 'typescript' },
  },
  sourceMaps: 'inline',
};

const packages = readdirSync('packages').filter((name) => existsSync(`packages/${name}/test`));

// `npm run test:matrix` runs the others.
const kind = process.env.THIMBLE_TESTS === 'matrix' ? 'matrix' : 'test';

export default {
  maxWorkers: 2,
  // Modules that a suite has loaded stay in its worker; with a heap of gigabytes the next suites take three times as long.
  workerIdleMemoryLimit: '600MB',
  projects: packages.map((name) => ({
    displayName: name,
    rootDir: `packages/${name}`,
    testMatch: [`<rootDir>/test/**/*.${kind}.ts`],
    testEnvironment: new URL('tools/jest-environment.cjs', import.meta.url).pathname,
    testEnvironmentOptions: { customExportConditions: ['@thimble/source', 'node', 'node-addons'] },
    setupFilesAfterEnv: [new URL('tools/jest-setup.mjs', import.meta.url).pathname],
    extensionsToTreatAsEsm: ['.ts'],
    transform: { '^.+\\.ts$': ['@swc/jest', swc] },
    moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  })),
};
