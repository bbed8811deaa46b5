// One attempt by Node. Its wishes come on standard input as JSON; it prints ACCEPTED and the first
// line of the answer, REFUSED if it was Node itself that refused, or else FAILED; and why.
const fs = require("fs");
const tls = require("tls");

let connection = null;
const wish = JSON.parse(fs.readFileSync(0, "utf8"));
const read = (name) => (name ? fs.readFileSync(name) : undefined);
const fail = (error) => {
  // Node verifies when the handshake is done, and then leaves without an alert.
  const own = error.socket || connection;
  const word = own && own.authorizationError ? "REFUSED" : "FAILED";
  console.log(`${word}: ${error.code || error.name}: ${error.message}`);
  process.exit(1);
};
try {
  const socket = connection = tls.connect({
    host: wish.address,
    port: wish.port,
    servername: wish.sni,
    cert: read(wish.chain),
    key: read(wish.key),
    ca: read(wish.trust),
    rejectUnauthorized: Boolean(wish.trust),
    checkServerIdentity: (_, shown) => tls.checkServerIdentity(wish.name, shown),
    minVersion: `TLSv${wish.versions[0]}`,
    maxVersion: `TLSv${wish.versions[1]}`,
  });
  let answer = "";
  socket.on("keylog", (line) => fs.appendFileSync(wish.keyLog, line, { mode: 0o600 }));
  socket.on("secureConnect", () => socket.write(wish.request));
  socket.on("data", (data) => { if (answer.length < 4096) answer += data.toString("latin1"); });
  socket.on("error", fail);
  socket.on("close", () => {
    console.log(answer ? `ACCEPTED: ${answer.split("\r\n")[0]}` : "CLOSED: without an answer");
  });
} catch (error) {
  fail(error);
}
