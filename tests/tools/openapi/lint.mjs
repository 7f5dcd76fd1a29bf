// What `redocly lint` says of a description: node lint.mjs SPEC.yaml CONFIG.yaml
// Exits 1 if it finds anything, warnings too.
import { formatProblems, lint, loadConfig } from "@redocly/openapi-core";

const [ref, configPath] = process.argv.slice(2);
const problems = await lint({ ref, config: await loadConfig({ configPath }) });
const totals = { errors: problems.length, warnings: 0, ignored: 0 };
if (problems.length) formatProblems(problems, { format: "stylish", totals });
console.log(`${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
