// `npm run test:matrix` runs the others.
const kind = process.env.THIMBLE_TESTS === 'matrix' ? 'matrix' : 'test';

const swc = {
  jsc: {
    target: 'es2022',
    keepClassNames: true,
    parser: { syntax: 'typescript' },
  },
  sourceMaps: true,
};

export default {
  maxWorkers: 2,
  // Modules that a suite has loaded stay in its worker; with a heap of gigabytes the next suites take three times as long.
  workerIdleMemoryLimit: '600MB',
  // One project: each would keep what it makes of core's sources for itself.
  roots: ['<rootDir>/packages'],
  testMatch: [`<rootDir>/packages/*/test/**/*.${kind}.ts`],
  testEnvironment: '<rootDir>/tools/jest-environment.cjs',
  testEnvironmentOptions: { customExportConditions: ['@thimble/source', 'node', 'node-addons'] },
  setupFilesAfterEnv: ['<rootDir>/tools/jest-setup.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // Other packages take core as outsiders do: four files in place of 600, which every suite would load anew. tools/test.mjs makes them of the sources first.
    '^@thimble/core$': '<rootDir>/packages/core/dist/index.js',
    '^@thimble/core/(plugin|model)$': '<rootDir>/packages/core/dist/$1.js',
  },
};
