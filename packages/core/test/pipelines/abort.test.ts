import { testAborts } from '../support/testAborts.js';

// The matrix, for which the machine is quiet, asks for a second.
testAborts({ moments: 3, limit: 20_000 });
