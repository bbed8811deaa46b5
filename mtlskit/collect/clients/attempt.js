// One attempt by Node. Its wishes come on standard input as JSON; it prints ACCEPTED and the first
// line of the answer, or FAILED with the error's own words.
const fs = require("fs");
const tls = require("tls");

const wish = JSON.parse(fs.readFileSync(0, "utf8"));
const read = (name) => (name ? fs.readFileSync(name) : undefined);
const fail = (error) => {
  console.log(`FAILED: ${error.code || error.name}: ${error.message}`);
  process.exit(1);
};
try {
  const socket = tls.connect({
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
