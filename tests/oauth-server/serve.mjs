// An OAuth 2.0 server for one test, on a free port of loopback, at the paths that the providers' hosts have. It ends when
// its input does: with the test, however that ends.
import { OAuth2Server } from "oauth2-mock-server";

const endpoints = { authorize: "/oauth/auth", token: "/oauth/token", userinfo: "/oauth/userinfo" };
const server = new OAuth2Server(undefined, undefined, { endpoints });
await server.issuer.keys.generate("RS256");
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdin.resume();
await server.start(0, "127.0.0.1");
console.log(`listens on http://127.0.0.1:${server.address().port}`);
