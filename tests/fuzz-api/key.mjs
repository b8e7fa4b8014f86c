// A key for programs, made as a person would: log in, then ask for one. Of the installation, so that the fuzzer cannot
// revoke it, for it acts for a tenant.

export const OPERATOR = "operador@puente.example";

export async function apiKey(console, email, password) {
  const send = async (route, body, headers) => {
    const answer = await fetch(`${console}${route}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const opened = await send("/api/session", { email, password }, {});
  const cookie = opened.headers.get("set-cookie").split(";")[0];
  const { csrf } = await opened.json();
  const headers = { cookie, "x-csrf-token": csrf, "idempotency-key": crypto.randomUUID() };
  const made = await send("/api/keys", { name: "fuzzer", role: "admin", per_minute: 60000 }, headers);
  return (await made.json()).text;
}
