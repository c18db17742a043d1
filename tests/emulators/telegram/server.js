'use strict';

// The double itself: telegram-test-api, which we did not write. Alone: node server.js --port P

const net = require('node:net');
const { parseArgs } = require('node:util');
const TelegramServer = require('telegram-test-api');

// Longer than any test; the double forgets messages after this.
const STORE_S = 86400;

// The double cannot choose a port by itself: it reads 0 as 9000.
function freePort() {
    return new Promise((resolve, reject) => {
        const probe = net.createServer();
        probe.once('error', reject);
        probe.listen(0, '127.0.0.1', () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });
}

async function startDouble(port = 0) {
    const server = new TelegramServer({ host: '127.0.0.1', port: port || await freePort(), storeTimeout: STORE_S });
    await server.start();
    return server;
}

async function main() {
    const { values } = parseArgs({ options: { port: { type: 'string', default: '9000' } } });
    const server = await startDouble(Number(values.port));
    process.stdout.write(`telegram-test-api: listening on ${server.config.apiURL}\n`);
}

if (require.main === module) {
    main().catch((error) => {
        process.stderr.write(`telegram-test-api: ${error.message}\n`);
        process.exitCode = 1;
    });
}

module.exports = { startDouble };
