import { readdirSync, existsSync } from 'node:fs';

const swc = {
  jsc: {
    target: 'es2022',
    keepClassNames: true,
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: false },
  },
  sourceMaps: 'inline',
};

const packages = readdirSync('packages').filter((name) => existsSync(`packages/${name}/test`));

export default {
  maxWorkers: 2,
  projects: packages.map((name) => ({
    displayName: name,
    rootDir: `packages/${name}`,
    testMatch: ['<rootDir>/test/**/*.test.ts'],
    testEnvironment: new URL('tools/jest-environment.cjs', import.meta.url).pathname,
    setupFiles: [new URL('packages/core/node_modules/reflect-metadata/Reflect.js', import.meta.url).pathname],
    testEnvironmentOptions: { customExportConditions: ['@thimble/source', 'node', 'node-addons'] },
    extensionsToTreatAsEsm: ['.ts'],
    transform: { '^.+\\.ts$': ['@swc/jest', swc] },
    moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  })),
};
