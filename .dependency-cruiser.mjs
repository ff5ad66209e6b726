// What may import what. `npm run lint` runs it; dynamic imports and types count as imports.
import { entries, foundation, groundFloor, libraries, rooms, roomsBelow } from './tools/rooms.mjs';

const CORE = '^packages/core/src';
const SOURCES = '^packages/[^/]+/(page/)?src/';
// Built or not, as the package's own `exports` say.
const PUBLIC_ENTRIES = '^packages/([^/]+/(src|dist)/index|core/(src|dist)/(plugin|model))\\.(ts|js|d\\.ts)$';
const escape = (text) => text.replaceAll(/[.\\/]/g, '\\$&');
const anyOf = (names) => `(${names.map(escape).join('|')})`;
const places = (names) => `${CORE}/${anyOf(names)}`;

const houseRules = [...rooms, ...Object.keys(groundFloor)].map((room) => ({
  name: `room-${room}`,
  comment: `${room}/ imports only rooms below it: ${roomsBelow(room).join(', ') || 'none'}.`,
  severity: 'error',
  from: { path: `${CORE}/${room}/` },
  to: { path: CORE, pathNot: `${CORE}/(${anyOf([room, ...roomsBelow(room)])}/|${anyOf(foundation)}$)` },
}));

const libraryRules = Object.entries(libraries).map(([library, owners]) => ({
  name: `library-${library}`,
  comment: `Only ${owners.join(' and ')} of core know ${library}.`,
  severity: 'error',
  from: { path: SOURCES, pathNot: `${places(owners)}/` },
  // A library that is not installed stays as it was written.
  to: { path: `(^|/node_modules/)${escape(library)}(/|$)` },
}));

export default {
  forbidden: [
    {
      name: 'scripts-resolve',
      comment: 'What a tool or a benchmark imports is there: no test starts them all.',
      severity: 'error',
      from: { path: '^(bench|tools)/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-circle',
      comment: 'No file imports itself by way of others, not even for a type.',
      severity: 'error',
      from: { path: SOURCES },
      to: { circular: true },
    },
    ...houseRules,
    {
      name: 'foundation',
      comment: `${foundation.join(', ')} import nothing but errors/, which only errors.ts needs.`,
      severity: 'error',
      from: { path: `${places(foundation)}$` },
      to: { pathNot: `${CORE}/errors/` },
    },
    {
      name: 'rooms-are-known',
      comment: 'A new room of core takes its place in tools/rooms.mjs.',
      severity: 'error',
      from: {},
      to: {
        path: CORE,
        pathNot: `${CORE}/(${anyOf([...rooms, ...Object.keys(groundFloor)])}/|${anyOf([...entries, ...foundation])}$)`,
      },
    },
    ...libraryRules,
    {
      name: 'package-public-entry',
      comment: 'A package reaches others by their public entries; if those lack something, enlarge them.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: ['^packages/$1/', PUBLIC_ENTRIES] },
    },
    {
      name: 'package-by-name',
      comment: 'A package imports another one by its name.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: '^packages/$1/', dependencyTypes: ['local'] },
    },
    {
      name: 'package-entry-exists',
      comment: 'What a package does not export is not to be had.',
      severity: 'error',
      from: {},
      to: { path: '^(@thimble/|\\.)', couldNotResolve: true },
    },
    {
      name: 'core-stands-alone',
      comment: 'Core knows no package above it, and its files import one another by their paths.',
      severity: 'error',
      from: { path: '^packages/core/src/' },
      to: { path: '^packages/', dependencyTypesNot: ['local'] },
    },
    {
      name: 'plugins-stand-on-core',
      comment: 'A plugin imports core alone, as an outsider would.',
      severity: 'error',
      from: { path: '^packages/(plugin-[^/]+)/src/' },
      to: { path: '^packages/', pathNot: ['^packages/$1/', '^packages/core/'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: '(^|/)(node_modules|dist)/' },
    exclude: { path: '(^|/)template/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@thimble/source', 'types', 'import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.d.ts', '.json'],
    },
  },
};
