const swc = require('@swc/jest');

/**
 * In jest's sandbox a look-up of a global takes as long as a hundred additions, and loops over pixels do little else. Each module has them as constants, in
 * its first line, so that line numbers stay.
 */
const PREAMBLE = 'const { Math, Number } = globalThis;';

/** jest's transform: swc, and {@link PREAMBLE}. */
module.exports = {
  createTransformer(options) {
    const transformer = swc.createTransformer(options);
    const begun = ({ code, ...rest }) => ({ ...rest, code: PREAMBLE + code });
    return {
      ...transformer,
      process: (...args) => begun(transformer.process(...args)),
      processAsync: async (...args) => begun(await transformer.processAsync(...args)),
      getCacheKey: (...args) => `${transformer.getCacheKey(...args)}${PREAMBLE.length}`,
    };
  },
};
