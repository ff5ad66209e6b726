import type { ConformanceRule } from '../ConformanceRule.js';
import { violation } from '../violation.js';

export const identity: ConformanceRule = {
  name: 'identity',
  summary:
    'has a name with its author as prefix and a range of core versions, and its factory makes a new instance each time',
  check: async (bench) => {
    const [a, b] = [bench.create(), bench.create()];
    if (a === b) throw violation('the factory gave the same instance twice; write () => new MyPlugin(options)');
    if (a.name !== b.name) throw violation(`two instances have different names, "${a.name}" and "${b.name}"`);
    if (!/^[^\s:]+:[^\s:]\S*$/.test(a.name))
      throw violation(`the name "${a.name}" has no author as prefix; write 'me:my-plugin'`);
    if (a.engines === undefined)
      throw violation(
        "the plugin does not say which versions of core it is for; write readonly engines = { thimble: '^0.2.0' }",
      );
  },
};
