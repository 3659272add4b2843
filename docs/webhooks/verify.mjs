// Verifies a webhook of Spindrift: Standard Webhooks, nothing but Node's own crypto.
//
//     const event = verify(secret, headers, rawBody);   // throws where it is not ours
//
// `node verify.mjs vectors.json` checks this file against signatures that the standard's own libraries made.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const TOLERANCE_S = 300;

// The parsed body; `body` is the Buffer or text as it came, `headers` an object with names in lower case.
export function verify(secret, headers, body, now = Date.now() / 1000) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  if (!(Math.abs(now - Number(timestamp)) <= TOLERANCE_S)) throw new Error("too old, or from the future");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  const holds = headers["webhook-signature"].split(" ").some((signature) => {
    const [version, value] = signature.split(",");
    const found = Buffer.from(value ?? "", "base64");
    return version === "v1" && found.length === expected.length && timingSafeEqual(found, expected);
  });
  if (!holds) throw new Error("not signed with this secret");
  return JSON.parse(body.toString());
}

function check(path) {
  for (const vector of JSON.parse(readFileSync(path, "utf8"))) {
    const { secret, body, library, ...headers } = vector;
    const now = Number(headers["webhook-timestamp"]);
    verify(secret, headers, Buffer.from(body), now);
    // Beside a signature of another secret it holds as well, as during a rotation.
    verify(secret, { ...headers, "webhook-signature": `v1,AAAA ${headers["webhook-signature"]}` }, body, now);
    for (const [wrongHeaders, wrongBody, at] of [
      [headers, `${body} `, now],
      [{ ...headers, "webhook-id": "msg_other" }, body, now],
      [headers, body, now + TOLERANCE_S + 1],
      [{ ...headers, "webhook-signature": `v1,AAAA v2,${headers["webhook-signature"].slice(3)}` }, body, now],
    ]) {
      let taken = true;
      try {
        verify(secret, wrongHeaders, wrongBody, at);
      } catch {
        taken = false;
      }
      if (taken) throw new Error(`a wrong request was taken, as ${library} signed it`);
    }
  }
  console.log("every vector is judged as it should be");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) check(process.argv[2]);
