// Bundles src/main.ts into dist/tag.js and refuses a tag that grew past its budget.
import { build } from "esbuild";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { minify } from "terser";

const BUDGET_BYTES = 3072;
const TARGET = "es2021";
const root = new URL(".", import.meta.url);
const target = new URL("dist/tag.js", root);

const result = await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: ["src/main.ts"],
  bundle: true,
  minifySyntax: true,
  format: "iife",
  target: TARGET,
  charset: "ascii",
  legalComments: "none",
  // Sloppy, though the sources are checked as strict: an assignment to what a page has frozen is
  // then without effect, and no reason to stop.
  tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
  write: false,
});
// esbuild leaves functions and constants that are used once where they are; terser saves a tenth.
const { code } = await minify(result.outputFiles[0].text, {
  ecma: 2020,
  compress: { passes: 3, inline: 1, unsafe_arrows: true, unsafe_methods: true },
  // A page of another encoding reads the tag by it if a server on the way names none.
  format: { ascii_only: true },
});
const size = Buffer.byteLength(code);
const gzipped = gzipSync(code, { level: 9 }).length;
const told = `${size} bytes, ${gzipped} gzipped (at most ${BUDGET_BYTES})`;
if (gzipped > BUDGET_BYTES) {
  console.error(`dist/tag.js would be too large: ${told}`);
  process.exit(1);
}

// Renamed into place: a collector that serves the file never reads half of it.
await mkdir(new URL(".", target), { recursive: true });
const partial = new URL(`tag.js.${process.pid}`, target);
await writeFile(partial, code);
await rename(partial, target);
console.log(`dist/tag.js: ${told}`);
