import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const INTRODUCTION = `# Options

What the options of pipelines, components and plugins are called, from the sources of each package. Where no default is told, leaving an option away means leaving out what it
does. An option that does not exist is an \`ERR_ARGUMENT_INVALID\`, and so is a value that it cannot have.
`;

/**
 * The page docs/reference/options.md: every exported type whose name ends in `Options`. Where a class has its table of fields as `optionFields`, types and
 * defaults come from there.
 *
 * @param {readonly { name: string, entry: string }[]} packages name of each package, and its declarations' entry file, built
 */
export async function optionReference(packages) {
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
  const sections = [];
  for (const { name, entry } of packages) {
    const tables = await fieldTables(entry.replace(/\.d\.ts$/, '.js'));
    sections.push(sectionOf(name, optionTypes(program.getSourceFile(entry), checker), { checker, tables }));
  }
  return [INTRODUCTION, ...sections.filter((section) => section !== '')].join('\n');
}

/** The tables of a package's classes, by the names of the types that are made of them: `XPlugin` and `XPipeline` have `XOptions`. */
async function fieldTables(file) {
  const exported = Object.entries(await import(pathToFileURL(file).href));
  const named = exported.filter(([, value]) => typeof value === 'function' && Object.hasOwn(value, 'optionFields'));
  return new Map(
    named.map(([name, { optionFields }]) => [`${name.replace(/(Plugin|Pipeline)$/, '')}Options`, optionFields]),
  );
}

function optionTypes(source, checker) {
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
  const named = symbols.filter(({ name }) => name.endsWith('Options')).sort((a, b) => (a.name < b.name ? -1 : 1));
  return named
    .map((symbol) => ({
      name: symbol.name,
      symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    }))
    .filter(({ symbol }) => symbol.flags & ts.SymbolFlags.Type);
}

function sectionOf(name, types, parts) {
  // A declaration file has no comments on fields that a table takes from another file; another type of the package has them, GenerateOptions before others.
  const texts = new Map();
  const general = ({ name: type }) => type === 'GenerateOptions';
  for (const { symbol } of [...types.filter((type) => !general(type)), ...types.filter(general)]) {
    for (const property of propertiesOf(symbol, parts)) {
      const text = textOf(property, parts.checker);
      if (text !== '') texts.set(property.name, text);
    }
  }
  const tables = types.map((type) => tableOf(type, { ...parts, texts })).filter((table) => table !== '');
  return tables.length === 0 ? '' : [`## ${name}\n`, ...tables].join('\n');
}

function propertiesOf(symbol, { checker }) {
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol));
}

function tableOf({ name, symbol }, { checker, tables, texts }) {
  // By name: the compiler's order of an inferred type's properties depends on the build.
  const properties = propertiesOf(symbol, { checker }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const fields = tables.get(name) ?? {};
  const rows = properties.map((property) => {
    const field = fields[property.name];
    const inherited = field === undefined ? '' : (texts.get(property.name) ?? '');
    const text = textOf(property, checker) || inherited;
    const type = inTable(field?.type ?? typeOf(property, checker));
    return `| \`${property.name}\` | \`${type}\` | ${[text, defaultOf(field)].filter(Boolean).join(' ')} |`;
  });
  const summary = textOf(symbol, checker);
  return `### ${name}\n\n${summary === '' ? '' : `${summary}\n\n`}| option | type | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** As it is written where it is declared; what a type is made of by rules, as the checker says it. */
function typeOf(property, checker) {
  const written = property.valueDeclaration?.type?.getText();
  if (written !== undefined) return written;
  const { NoTruncation } = ts.TypeFormatFlags;
  const text = checker.typeToString(checker.getTypeOfSymbol(property), undefined, NoTruncation);
  return inOrder(text.replace(/ \| undefined$/, ''));
}

function defaultOf(field) {
  if (field === undefined) return '';
  const { default: value, defaultText } = field;
  if (defaultText !== undefined) return `Default: ${defaultText}.`;
  return value === undefined || value === null ? '' : `Default \`${inTable(JSON.stringify(value))}\`.`;
}

function inTable(text) {
  return text
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

/** The compiler writes texts that are alternatives in the order in which it met them, in whatever file. */
function inOrder(type) {
  return type.replace(/"[^"]*"(?: \| "[^"]*")+/g, (texts) => texts.split(' | ').toSorted().join(' | '));
}
