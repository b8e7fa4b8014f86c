// Azurite's blob service for one test, on a free port, in memory. It ends when its input does: with the test, however
// that ends.
import { createRequire } from "node:module";

process.argv.splice(
  2,
  process.argv.length,
  "--inMemoryPersistence",
  "--disableTelemetry",
  "--skipApiVersionCheck",
  "--blobHost", "127.0.0.1",
  "--blobPort", "0",
);
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdin.resume();
createRequire(import.meta.url)("azurite/dist/src/blob/main.js");
