// The lab's server on Node: HTTPS (or HTTP) as setup.json says, on a free loopback port.
'use strict';
const fs = require('fs');
const setup = JSON.parse(fs.readFileSync('setup.json', 'utf8'));
const read = (name) => fs.readFileSync(name);
const answer = (request, response) => {
  response.writeHead(setup.status, { 'Content-Type': 'text/html', Connection: 'close' });
  response.end(setup.page);
};
const options = {
  cert: read('chain.pem'),
  key: read('key.pem'),
  minVersion: 'TLSv' + setup.low,
  maxVersion: 'TLSv' + setup.high,
  requestCert: setup.asks !== 'no',
  rejectUnauthorized: setup.asks === 'require',
};
if (setup.asks !== 'no') options.ca = read('trust.pem');
if (setup.crl) {
  options.crl = read('crl.pem').toString().split(/(?=-----BEGIN)/).filter((one) => one.trim());
}
if (setup.ciphers) options.ciphers = setup.ciphers;
if (setup.names.length) {
  options.SNICallback = (name, done) =>
    setup.names.includes(name) ? done(null, null) : done(new Error('no such name'));
}
const server = setup.plain
  ? require('http').createServer(answer)
  : require('https').createServer(options, answer);
server.on('tlsClientError', (error) => console.log('tlsClientError', error.message));
server.listen(0, '127.0.0.1', () => console.log('listening on 127.0.0.1:' + server.address().port));
