import ts from 'typescript';

const INTRODUCTION = `# Options

What the options of pipelines, components and plugins are called, from the sources of each package. Where no default is told, leaving an option away means leaving out what it
does. An option that does not exist is an \`ERR_ARGUMENT_INVALID\`, and so is a value that it cannot have.
`;

/**
 * The page docs/reference/options.md: every exported type whose name ends in `Options`.
 *
 * @param {readonly { name: string, entry: string }[]} packages name of each package, and its declarations' entry file, built
 */
export function optionReference(packages) {
  const program = ts.createProgram(
    packages.map(({ entry }) => entry),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      skipLibCheck: true,
      types: [],
      strict: true,
    },
  );
  const checker = program.getTypeChecker();
  const sections = packages.map(({ name, entry }) =>
    sectionOf(name, optionTypes(program.getSourceFile(entry), checker), checker),
  );
  return [INTRODUCTION, ...sections.filter((section) => section !== '')].join('\n');
}

function optionTypes(source, checker) {
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
  const named = symbols.filter(({ name }) => name.endsWith('Options')).sort((a, b) => (a.name < b.name ? -1 : 1));
  return named.map((symbol) => ({
    name: symbol.name,
    symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  }));
}

function sectionOf(name, types, checker) {
  const tables = types.map((type) => tableOf(type, checker)).filter((table) => table !== '');
  return tables.length === 0 ? '' : [`## ${name}\n`, ...tables].join('\n');
}

function tableOf({ name, symbol }, checker) {
  const properties = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol));
  const rows = properties.map(
    (property) => `| \`${property.name}\` | \`${typeOf(property)}\` | ${textOf(property, checker)} |`,
  );
  const summary = textOf(symbol, checker);
  return `### ${name}\n\n${summary === '' ? '' : `${summary}\n\n`}| option | type | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function typeOf(property) {
  const { type } = property.valueDeclaration ?? {};
  return (type?.getText() ?? 'unknown')
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|');
}

/** A doc comment as one line of a table. */
function textOf(symbol, checker) {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  return text
    .replaceAll(/\{@link (\S+?)\s*\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .trim();
}
