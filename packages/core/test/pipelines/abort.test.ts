import { jest } from '@jest/globals';
import { testAborts } from '../support/testAborts.js';

jest.setTimeout(60_000);
testAborts(3);
