// The author's module and the SDK as one file that QuickJS evaluates, or that Node does for a look at it.

import { isAbsolute, join, relative, resolve } from 'node:path';
import { SourceMap } from 'node:module';
import { SDK } from './tools.js';

/** What QuickJS has; only async functions are rewritten, so that src/runtime/promise.js drives them. */
const TARGET = 'es2023';
const LOWERED = { 'async-await': false, 'async-generator': false, 'for-await': false };

/** Bundles for the component: the entry binds these groups of the author's hooks. */
export async function bundleForComponent(esbuild, { project, entry, groups }) {
  const source = [
    `import ${JSON.stringify(join(SDK, 'src/runtime/install.js'))};`,
    `import * as plugin from ${JSON.stringify(entry)};`,
    `import { bind } from ${JSON.stringify(join(SDK, 'src/component.js'))};`,
    'const bound = bind(plugin);',
    ...groups.map((group) => camel(group)).map((name) => `export const ${name} = bound.${name};`),
  ].join('\n');
  const result = await esbuild.build({
    ...common(project),
    stdin: { contents: source, resolveDir: project, sourcefile: 'jackfield-entry.js', loader: 'js' },
    conditions: ['jackfield-component'],
    external: ['jackfield:*', 'wasi:*'],
    supported: LOWERED,
    sourcemap: 'external',
    outfile: join(project, 'plugin.js'),
  });
  const [map, code] = ['.map', '.js'].map((end) => result.outputFiles.find((file) => file.path.endsWith(end)).text);
  const table = lineTable(code, JSON.parse(map), project);
  return {
    code: `${code}\nglobalThis.__jackfieldLines = ${JSON.stringify(table)};\n`,
    warnings: result.warnings,
    /** The author's "file:line" for a line of the bundle; undefined for a line that is not the author's. */
    placeOf(line) {
      const [file, number] = table.lines.split(';')[line - 1]?.split(',') ?? [];
      return number && `${table.files[file]}:${number}`;
    },
  };
}

/** Bundles a module for Node, with the tests' host in place of the imports. */
export function bundleForNode(esbuild, { project, entries, outdir, external = [] }) {
  return esbuild.build({
    ...common(project),
    entryPoints: entries,
    external,
    platform: 'node',
    sourcemap: 'inline',
    outdir,
    outExtension: { '.js': '.mjs' },
    write: true,
  });
}

function common(project) {
  return {
    absWorkingDir: project,
    bundle: true,
    charset: 'utf8',
    format: 'esm',
    keepNames: true,
    logLevel: 'silent',
    platform: 'neutral',
    // Packages for browsers and for Node alike; `neutral` alone would look at no field at all.
    mainFields: ['module', 'main'],
    plugins: [sdkPlugin],
    target: TARGET,
    write: false,
  };
}

/** `jackfield-guest` is always the SDK that builds, whatever is installed in the project. */
const sdkPlugin = {
  name: 'jackfield-guest',
  setup(build) {
    const files = { 'jackfield-guest': 'src/index.js', 'jackfield-guest/testing': 'src/testing.js' };
    build.onResolve({ filter: /^jackfield-guest(\/testing)?$/ }, ({ path }) => ({ path: join(SDK, files[path]) }));
  },
};

/** Which line of which of the author's files each line of the bundle came from, for the stacks of errors. */
function lineTable(code, map, project) {
  const sources = new SourceMap(map);
  const files = [];
  const lines = code.split('\n').map((_, line) => {
    // The first place on the line that has an origin.
    const entry = sources.findEntry(line, 400);
    if (entry.generatedLine !== line || !entry.originalSource) return '';
    const path = resolve(project, entry.originalSource);
    const shown = relative(project, path);
    const inside = !shown.startsWith('..') && !isAbsolute(shown);
    if (!inside || path.startsWith(SDK + '/') || shown === 'jackfield-entry.js') return '';
    if (!files.includes(shown)) files.push(shown);
    return `${files.indexOf(shown)},${entry.originalLine + 1}`;
  });
  return { files, lines: lines.join(';').replace(/;+$/, '') };
}

/** connection-events → connectionEvents */
function camel(name) {
  return name.replaceAll(/-([a-z])/g, (_, letter) => letter.toUpperCase());
}
