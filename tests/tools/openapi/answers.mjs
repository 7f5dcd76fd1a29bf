// Holds answers of a server against its description: node answers.mjs SPEC.json <ANSWERS
//
// An answer is a line of JSON: {"request", "path", "method", "status", "headers", "type", "body"},
// where path is the description's, headers have lower-case names, type is the Content-Type without
// parameters, and body is a string, or JSON when the type is. Prints a line for each that is not
// as described, and exits 1 if there is one.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const spec = JSON.parse(readFileSync(process.argv[2], "utf8"));
const ajv = new Ajv2020.default({ strict: false, allErrors: true, coerceTypes: false });
addFormats.default(ajv);
ajv.addSchema(spec, "spec", false, false);

const token = (key) => key.replaceAll("~", "~0").replaceAll("/", "~1");
const pointer = (keys) => "#/" + keys.map(token).join("/");

// The object at keys of the description, and where it really is, after references.
function follow(keys) {
  let at = keys.reduce((object, key) => object?.[key], spec);
  while (at?.$ref && Object.keys(at).length === 1) {
    keys = at.$ref.slice(2).split("/");
    keys = keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    at = keys.reduce((object, key) => object?.[key], spec);
  }
  return [at, keys];
}

function faults(keys, value) {
  const validate = ajv.getSchema("spec" + encodeURI(pointer(keys)));
  if (!validate) return [`no schema at ${pointer(keys)}`];
  return validate(value) ? [] : validate.errors.map((e) => `${e.instancePath || "/"} ${e.message}`);
}

function headerFaults(answer, response, at) {
  const found = [];
  for (const name of Object.keys(response.headers ?? {})) {
    const [header, where] = follow([...at, "headers", name]);
    const text = answer.headers[name.toLowerCase()];
    if (text === undefined) {
      if (header.required) found.push(`no header ${name}`);
      continue;
    }
    const json = header.content?.["application/json"];
    const place = json ? [...where, "content", "application/json", "schema"] : [...where, "schema"];
    const [schema] = follow(place);
    const value = json ? JSON.parse(text) : schema.type === "integer" ? Number(text) : text;
    found.push(...faults(place, value).map((why) => `${name} ${text}: ${why}`));
  }
  return found;
}

function bodyFaults(answer, response, at) {
  if (!response.content) return answer.body === "" ? [] : ["a body, and none is described"];
  if (!response.content[answer.type]) return [`the content type ${answer.type} is not described`];
  const where = [...at, "content", answer.type, "schema"];
  return faults(where, answer.body).map((why) => `body: ${why}`);
}

function check(answer) {
  const keys = ["paths", answer.path, answer.method, "responses", String(answer.status)];
  const [response, at] = follow(keys);
  if (!response) return [`the status ${answer.status} is not described`];
  return [...headerFaults(answer, response, at), ...bodyFaults(answer, response, at)];
}

let bad = 0;
const lines = readFileSync(0, "utf8").split("\n").filter(Boolean);
for (const line of lines) {
  const answer = JSON.parse(line);
  for (const why of check(answer)) {
    console.log(`${answer.request} -> ${answer.status}: ${why}`);
    bad++;
  }
}
console.log(`${lines.length} answers, ${bad} faults`);
process.exit(bad || !lines.length ? 1 : 0);
