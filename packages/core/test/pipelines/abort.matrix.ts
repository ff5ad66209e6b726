import { jest } from '@jest/globals';
import { testAborts } from '../support/testAborts.js';

jest.setTimeout(600_000);
testAborts(50);
