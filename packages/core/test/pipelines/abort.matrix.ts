import { jest } from '@jest/globals';
import { testAborts } from '../support/testAborts.js';

jest.setTimeout(600_000);
testAborts({ moments: 50, limit: 1000 }, (phase, slowest, moments) => {
  process.stdout.write(`${phase}: ${moments} moments, slowest ${Math.round(slowest)} ms\n`);
});
