import { relative } from 'node:path';
import ts from 'typescript';

const printer = ts.createPrinter({ removeComments: true });

/**
 * Everything that the entries of packages export, as their users' compiler sees it: the declarations in alphabetical order, without comments and without
 * what is private.
 *
 * @param {readonly { folder: string, entries: readonly string[] }[]} packages built; entries are files of declarations
 * @returns {string[][]} TypeScript, for each entry of each package
 */
export function apiReports(packages) {
  const program = ts.createProgram(
    packages.flatMap(({ entries }) => entries),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      skipLibCheck: true,
      types: [],
    },
  );
  const checker = program.getTypeChecker();
  return packages.map(({ folder, entries }) =>
    entries.map((entry) => {
      const source = program.getSourceFile(entry);
      if (source === undefined) throw new Error(`${entry} is not there: build first`);
      return reportOf(source, checker, folder);
    }),
  );
}

function reportOf(source, checker, folder) {
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(source) ?? { exports: new Map() });
  const sorted = [...symbols].sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map((symbol) => describeExport(symbol, checker, folder)).join('\n\n');
}

function describeExport(symbol, checker, folder) {
  const original = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const declarations = original.declarations ?? [];
  if (declarations.length === 0) throw new Error(`${symbol.name} is exported, and declared nowhere`);
  // Other packages may add members to an interface.
  const own = declarations.filter((declaration) => !isOutside(declaration, folder));
  if (own.length === 0) return `// ${symbol.name}: of another package`;
  return own.map((declaration) => printDeclaration(declaration)).join('\n');
}

function isOutside(declaration, folder) {
  const path = relative(folder, declaration.getSourceFile().fileName);
  return path.startsWith('..') || path.startsWith('node_modules');
}

function printDeclaration(declaration) {
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const { transformed } = ts.transform(node, [sortLiterals]);
  const text = printer.printNode(ts.EmitHint.Unspecified, transformed[0], node.getSourceFile());
  return text
    .split('\n')
    .filter((line) => !/^\s+(#private|private )/.test(line))
    .join('\n')
    .replace(/^export (default )?/, '')
    .replace(/"[^"\n]*"(?: \| "[^"\n]*")+/g, sortUnion);
}

/** The compiler writes an inferred union in the order in which it met its members, which another build may change. */
const sortUnion = (union) => union.split(' | ').sort().join(' | ');

/** The same holds for the properties of an inferred type. */
const sortLiterals = (context) => (root) => {
  const nameOf = (member) => (member.name && ts.isIdentifier(member.name) ? member.name.text : '');
  const visit = (node) => {
    const visited = ts.visitEachChild(node, visit, context);
    if (!ts.isTypeLiteralNode(visited)) return visited;
    const members = [...visited.members].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : Number(nameOf(a) > nameOf(b))));
    return ts.factory.updateTypeLiteralNode(visited, ts.factory.createNodeArray(members));
  };
  return ts.visitNode(root, visit);
};
