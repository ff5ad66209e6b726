/** Licences that ask for no more than to be named. */
const PERMISSIVE = ['MIT', 'ISC', '0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC0-1.0'];

/** Others, and why they may be: what a package is to thimble matters, too. */
const EXCEPTIONS = [
  // sharp loads it as a library of its own, which anybody may replace.
  { licence: 'LGPL-3.0-or-later', name: /^@img\/sharp-libvips-/ },
];

/** Of tools, of which nothing is in a package. */
const TOOLS = [
  { licence: 'MPL-2.0', name: /^lightningcss/ },
  { licence: 'Python-2.0', name: /^argparse$/ },
  { licence: 'CC-BY-4.0', name: /^caniuse-lite$/ },
  // MIT, by its file LICENSE; its manifest says SEE LICENSE IN LICENSE.
  { licence: 'Unknown', name: /^spawndamnit$/ },
];

/**
 * Which packages have licences that are not allowed.
 *
 * @param {Readonly<Record<string, readonly { name: string, versions: readonly string[] }[]>>} report by licence, as `pnpm licenses list --json` has it
 * @param {{ tools?: boolean }} [options] `tools`: also those of tools may be
 * @returns {string[]}
 */
export function licenceProblems(report, { tools = false } = {}) {
  const exceptions = tools ? [...EXCEPTIONS, ...TOOLS] : EXCEPTIONS;
  return Object.entries(report)
    .filter(([licence]) => !isPermissive(licence))
    .flatMap(([licence, packages]) =>
      packages
        .filter(({ name }) => !exceptions.some((each) => each.licence === licence && each.name.test(name)))
        .map(({ name, versions }) => `${name}@${versions.join()} has the licence ${licence}, which is not on the list`),
    );
}

/** SPDX expressions: of "A OR B" one is chosen, "A AND B" are both to be kept. */
function isPermissive(licence) {
  const expression = licence.replaceAll(/[()]/g, '');
  if (/ OR /.test(expression)) return expression.split(' OR ').some(isPermissive);
  return expression.split(' AND ').every((part) => PERMISSIVE.includes(part));
}
