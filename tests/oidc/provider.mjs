// A certified provider of OpenID Connect (npm oidc-provider) on loopback, in the place of Google: people
// type who they are, and are believed. An address with "unverified" in it is one that the provider has
// not verified.
//
//   node provider.mjs http://127.0.0.1:8080/api/v1/auth/google/callback

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Provider } from 'oidc-provider';

export const CLIENT = { id: 'aiduet', secret: 'the secret of the client, with : and +' };

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(8).toString('hex'), use: 'sig', alg: 'RS256' };
}

function configuration(redirectUri) {
  return {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    // As Google does, the token itself holds the address.
    conformIdTokenClaims: false,
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: !id.includes('unverified') }),
    }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: [signingKey()] },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  };
}

const PAGE = `<!doctype html><html lang="en"><title>Provider</title>
<form method="post"><label>Who are you? <input name="who" autocomplete="off"></label>
<button name="does" value="continue">Continue</button><button name="does" value="cancel">Cancel</button></form>`;

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

/** Asks who it is, and agrees to everything in their name. */
function interactions(provider) {
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    const { params } = await provider.interactionDetails(ctx.req, ctx.res);
    if (ctx.method !== 'POST') {
      ctx.type = 'html';
      ctx.body = PAGE;
      return undefined;
    }
    const form = await read(ctx.req);
    ctx.respond = false;
    if (form.get('does') === 'cancel') {
      return provider.interactionFinished(ctx.req, ctx.res, { error: 'access_denied' });
    }
    const accountId = form.get('who');
    const grant = new provider.Grant({ accountId, clientId: params.client_id });
    grant.addOIDCScope('openid email');
    const consent = { grantId: await grant.save() };
    return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId }, consent });
  };
}

/** Starts one for the client that browsers come back to at this address. */
export async function start(redirectUri) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration(redirectUri));
  provider.use(interactions(provider));
  server.on('request', provider.callback());
  const stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { issuer, stop };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { issuer } = await start(process.argv[2]);
  console.log(issuer);
}
