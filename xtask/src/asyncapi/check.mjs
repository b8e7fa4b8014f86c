// Reads an AsyncAPI document with the reference parser, protobuf payloads included; says what is wrong with it.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const [folder, file] = process.argv.slice(2);
const packages = createRequire(`${folder}/package.json`);
const { Parser } = packages("@asyncapi/parser");
const { ProtoBuffSchemaParser } = packages("@asyncapi/protobuf-schema-parser");

const parser = new Parser();
parser.registerSchemaParser(ProtoBuffSchemaParser());
const { document, diagnostics } = await parser.parse(await readFile(file, "utf8"));
const errors = diagnostics.filter((found) => found.severity === 0);
for (const error of errors) console.error(`${error.path.join("/")}: ${error.message}`);
if (document === undefined || errors.length > 0) process.exit(1);
console.log(`asyncapi: valid, ${document.allMessages().length} messages`);
