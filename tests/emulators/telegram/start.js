'use strict';

// Starts the double and the proxy in front of it in one process: node start.js --port P

const { parseArgs } = require('node:util');
const { Proxy } = require('./proxy');
const { startDouble } = require('./server');

function forgetMessages(double) {
    double.storage.botMessages.length = 0;
    double.storage.userMessages.length = 0;
}

async function main() {
    const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
    const double = await startDouble();
    const proxy = new Proxy(double.config.apiURL, { tokens: [], forgetMessages: () => forgetMessages(double) });
    const port = await proxy.listen(Number(values.port));
    process.stdout.write(`telegram: listening on http://127.0.0.1:${port}\n`);
}

// Both live in this process, so that its end is the end of both; nothing is kept that would need care.
for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => process.exit(0));
}

main().catch((error) => {
    process.stderr.write(`telegram: ${error.message}\n`);
    process.exit(1);
});
