import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/"] },
  js.configs.recommended,
  {
    files: ["src/**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // What a tag that stores nothing may not touch, held by the linter as well as by the tests.
      "no-restricted-globals": [
        "error",
        "localStorage",
        "sessionStorage",
        "indexedDB",
        "caches",
        "cookieStore",
      ],
      "no-restricted-properties": [
        "error",
        { object: "document", property: "cookie" },
        { object: "window", property: "localStorage" },
        { object: "window", property: "sessionStorage" },
        { object: "window", property: "indexedDB" },
      ],
    },
  },
  {
    files: ["*.mjs", "*.js"],
    languageOptions: { globals: { console: "readonly", process: "readonly", URL: "readonly" } },
  },
);
