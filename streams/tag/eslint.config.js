import js from "@eslint/js";
import tseslint from "typescript-eslint";

// What a tag that stores nothing may not touch, held by the linter as well as by the tests.
const storage = ["localStorage", "sessionStorage", "indexedDB", "caches", "cookieStore"];
const noStorage = storage.map((property) => ({ object: "window", property }));
const noCookie = { object: "document", property: "cookie" };

export default tseslint.config(
  { ignores: ["dist/"] },
  js.configs.recommended,
  {
    files: ["src/**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "no-restricted-globals": ["error", ...storage],
      "no-restricted-properties": ["error", ...noStorage, noCookie],
      // What is absent and what is empty are often the same here, and `||` says so shortest.
      "@typescript-eslint/prefer-nullish-coalescing": "off",
      // It demands `!`, which another rule forbids.
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
      // A pattern also bears what is no string: properties of elements may be a page's own.
      "@typescript-eslint/prefer-string-starts-ends-with": "off",
    },
  },
  {
    // The one module that keeps something: the person's choice not to be measured.
    files: ["src/choice.ts"],
    rules: { "no-restricted-properties": ["error", ...noStorage] },
  },
  {
    files: ["*.mjs", "*.js"],
    languageOptions: {
      globals: { Buffer: "readonly", console: "readonly", process: "readonly", URL: "readonly" },
    },
  },
);
