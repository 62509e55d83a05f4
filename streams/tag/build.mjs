// Bundles src/main.ts into dist/tag.js and refuses a tag that grew past its budget.
import { build } from "esbuild";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 3072;
const root = new URL(".", import.meta.url);
const target = new URL("dist/tag.js", root);

const result = await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: ["src/main.ts"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2019",
  charset: "utf8",
  legalComments: "none",
  write: false,
});
const code = result.outputFiles[0].contents;
const gzipped = gzipSync(code, { level: 9 }).length;
const size = `${code.length} bytes, ${gzipped} gzipped (at most ${BUDGET_BYTES})`;
if (gzipped > BUDGET_BYTES) {
  console.error(`dist/tag.js would be too large: ${size}`);
  process.exit(1);
}

// Renamed into place: a collector that serves the file never reads half of it.
await mkdir(new URL(".", target), { recursive: true });
const partial = new URL(`tag.js.${process.pid}`, target);
await writeFile(partial, code);
await rename(partial, target);
console.log(`dist/tag.js: ${size}`);
