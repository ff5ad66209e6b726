import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const FILES = execFileSync('git', ['ls-files', 'packages/*/src/*.ts'], { cwd: ROOT, encoding: 'utf8' })
  .trim()
  .split('\n');

/** Options that are given: interfaces called so, and what constructors take in braces. */
function isOptions(node: ts.Node): node is ts.InterfaceDeclaration | ts.TypeLiteralNode {
  if (ts.isInterfaceDeclaration(node)) return node.name.text.endsWith('Options');
  return ts.isTypeLiteralNode(node) && ts.isParameter(node.parent) && ts.isConstructorDeclaration(node.parent.parent);
}

function takesUndefined(type: ts.TypeNode): boolean {
  const types = ts.isUnionTypeNode(type) ? type.types : [type];
  return types.some(({ kind }) => kind === ts.SyntaxKind.UndefinedKeyword || kind === ts.SyntaxKind.UnknownKeyword);
}

/** Callers with `exactOptionalPropertyTypes` hand on what they may not have themselves: `{ signal: request.signal, seed: body.seed }`. */
test('every option takes undefined for "not given"', () => {
  const strict: string[] = [];
  for (const file of FILES) {
    const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node): void => {
      if (isOptions(node))
        for (const member of node.members)
          if (ts.isPropertySignature(member) && member.questionToken && member.type && !takesUndefined(member.type))
            strict.push(`${file}: ${member.getText(source)}`);
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  expect(strict).toEqual([]);
});
