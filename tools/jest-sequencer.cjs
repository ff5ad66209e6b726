const { default: Sequencer } = require('@jest/test-sequencer');

const isOfCore = ({ path }) => path.includes('/packages/core/');

/** What uses several packages takes longest, so it comes first: at the end both workers have small suites. */
module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter((test) => !isOfCore(test)), ...sorted.filter(isOfCore)];
  }
};
