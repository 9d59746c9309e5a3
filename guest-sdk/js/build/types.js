// Type-checks a TypeScript project against the SDK that builds it.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { find, MissingTool, SDK } from './tools.js';

/** Prints what is wrong; true: nothing is. A project without a tsconfig.json is not checked. */
export function checkTypes(project) {
  const config = join(project, 'tsconfig.json');
  if (!existsSync(config)) return true;
  const manifest = find('typescript/package.json', project);
  if (!manifest) throw new MissingTool('typescript');
  const folder = mkdtempSync(join(tmpdir(), 'jackfield-types-'));
  try {
    // A configuration beside the project's own, so that `jackfield-guest` is found without being installed.
    const own = join(folder, 'tsconfig.json');
    writeFileSync(
      own,
      JSON.stringify({
        extends: config,
        compilerOptions: {
          noEmit: true,
          paths: {
            'jackfield-guest': [join(SDK, 'src/index.d.ts')],
            'jackfield-guest/testing': [join(SDK, 'src/testing.d.ts')],
          },
        },
      }),
    );
    const tsc = join(dirname(manifest), 'bin/tsc');
    return spawnSync(process.execPath, [tsc, '-p', own], { cwd: project, stdio: 'inherit' }).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
