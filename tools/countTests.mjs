/**
 * What a run of jest came to. A suite that could not run counts as one failed test, and so does jest itself if it ended badly
 * without saying what failed.
 *
 * @param {object | undefined} results jest's JSON results; undefined if it wrote none
 * @param {number | null} exitCode null if a signal ended it
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countTests(results, exitCode) {
  if (results === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  return {
    passed: results.numPassedTests,
    failed: failed === 0 && (exitCode !== 0 || !results.success) ? 1 : failed,
    skipped: results.numPendingTests + results.numTodoTests,
  };
}
