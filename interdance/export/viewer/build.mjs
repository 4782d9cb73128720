// Bundles src/ and three.js into dist/viewer.js, which begins with a fingerprint of what it was built from.
import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';

const hash = createHash('sha256');
for (const name of [...readdirSync('src').sort().map(name => `src/${name}`), 'build.mjs', 'package.json', 'package-lock.json']) {
  hash.update(`${name}\n`).update(readFileSync(name));
}
await build({
  entryPoints: ['src/viewer.js'],
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  legalComments: 'none',
  banner: { js: `/* built from ${hash.digest('hex')} */` },
  outfile: 'dist/viewer.js',
});
copyFileSync('node_modules/three/LICENSE', 'dist/three.LICENSE.txt');
