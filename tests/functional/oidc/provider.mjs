// A real OpenID provider for tests: node provider.mjs PORT CLIENT_ID SECRET REDIRECT_URI. Whatever login name is given signs in (its own
// development screens ask for it); the subject is that name. Run in a folder where package-lock.json has been installed.
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const [port, client, secret, redirect] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const provider = new Provider(issuer, {
  clients: [{
    client_id: client,
    client_secret: secret,
    redirect_uris: [redirect],
    response_types: ["code"],
    grant_types: ["authorization_code"],
    token_endpoint_auth_method: "client_secret_basic",
  }],
  cookies: { keys: ["only for tests"] },
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "test" }] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`ready ${issuer}`));
