import { jest } from '@jest/globals';
import { testMessageFaults } from './support/testMessageFaults.js';

jest.setTimeout(600_000);
testMessageFaults({
  work: async (pipe) =>
    (await pipe.generate('a cat', { numInferenceSteps: 1, seed: 1, outputType: 'tensor' })).images.data,
});
