/** How many suites are listed. */
const LISTED = 10;
/** From this share of the budget on, a suite is near it. */
const NEAR = 0.75;

/**
 * Which suites took longest, and which took longer than they may.
 *
 * @param {{ testResults: { name: string, startTime: number, endTime: number }[] } | undefined} results jest's JSON results; undefined if it wrote none
 * @param {number} budget seconds that a suite may take
 * @param {(path: string) => string} shorten a suite's path
 * @returns {{ report: string, over: number }} lines to print, and how many suites are over the budget
 */
export function slowSuites(results, budget, shorten = (path) => path) {
  const suites = (results?.testResults ?? [])
    .map(({ name, startTime, endTime }) => ({ name: shorten(name), seconds: Math.max(0, endTime - startTime) / 1000 }))
    .sort((a, b) => b.seconds - a.seconds);
  const over = suites.filter(({ seconds }) => seconds > budget);
  const listed = suites.slice(0, Math.max(LISTED, over.length));
  const lines = listed.map(
    ({ name, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${name}${remark(seconds, budget)}`,
  );
  const total = suites.reduce((sum, { seconds }) => sum + seconds, 0);
  const head = `the slowest of ${suites.length} suites, which took ${total.toFixed(0)} s in all; one may take ${budget} s`;
  return { report: suites.length < 2 && over.length === 0 ? '' : [head, ...lines].join('\n'), over: over.length };
}

function remark(seconds, budget) {
  if (seconds > budget) return '  OVER ITS BUDGET: split it, or find what it waits for';
  return seconds > NEAR * budget ? '  near its budget' : '';
}
