// Whether a run in a WebAssembly module prints the same bytes as the native command.
//
//   node tests/wasm/compare.mjs MODULE.wasm ENTREGA
//
// From the top of the repository. Ends with 1 if the module imports anything, or if a document differs.

import { readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";

const [path, entrega] = process.argv.slice(2);
const SCENARIO = "simulations/purchase-emails.toml";
const SEED = 7;

function fail(why) {
  console.error(why);
  process.exit(1);
}

const module = new WebAssembly.Module(readFileSync(path));
const imports = WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`);
if (imports.length > 0) fail(`the module imports ${imports.join(", ")}, and must import nothing`);
const { exports } = new WebAssembly.Instance(module);

for (const [number, model] of ["log", "queue"].entries()) {
  const place = BigInt.asUintN(64, exports.document(number, BigInt(SEED)));
  const bytes = new Uint8Array(exports.memory.buffer, Number(place >> 32n), Number(place & 0xffffffffn));
  const text = new TextDecoder().decode(bytes);
  const options = ["--model", model, "--strategy", "process-then-settle", "--seed", SEED, "--format", "json"];
  const native = spawnSync(entrega, ["run", SCENARIO, ...options], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (native.error) fail(`${entrega}: ${native.error.message}`);
  if (text !== native.stdout) fail(`${model}: the module does not say what the command says:\n${text.slice(0, 400)}`);
  console.log(`${model}: history digest ${JSON.parse(text).digest} in both, and the same ${text.length} characters`);
}
