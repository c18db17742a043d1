// SPDX-License-Identifier: MIT
//
// What the durable intake on PostgreSQL is held against: a worker that checks the token, reads the order and inserts
// each request on its own, and answers after its commit. tests/bench/intake starts four of them behind the same nginx,
// on the same server.
//
// usage: node server.js SOCKET    BENCH_DATABASE (a URL) and BENCH_TOKEN in the environment
"use strict";

const fs = require("node:fs");
const crypto = require("node:crypto");
const fastify = require("fastify")({ logger: false, bodyLimit: 1024 * 1024 });
const { Pool } = require("pg");

const token = Buffer.from(process.env.BENCH_TOKEN);
const pool = new Pool({ connectionString: process.env.BENCH_DATABASE, max: 8 });

const insert = {
    name: "insert",
    text: `INSERT INTO peer_inbox (external_id, event, received_ms, body) VALUES ($1, $2, $3, $4)
           ON CONFLICT (external_id, event) DO NOTHING`,
};

function isKnown(given) {
    const bytes = Buffer.from(given ?? "");
    return bytes.length === token.length && crypto.timingSafeEqual(bytes, token);
}

// The body is kept as it came, as Ordergate keeps it.
fastify.removeContentTypeParser("application/json");
fastify.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    try {
        request.raw_body = body;
        done(null, JSON.parse(body.toString("utf8")));
    } catch (error) {
        error.statusCode = 400;
        done(error);
    }
});

fastify.post("/sbermarket/orders/hook/", async (request, reply) => {
    if (!isKnown(request.headers["client-token"]))
        return reply.code(403).send({ status: "error" });
    const message = request.body;
    const external_id = message?.payload?.originalOrderId ?? message?.payload?.orderId;
    const event = message?.event_type;
    if (typeof external_id !== "string" || typeof event !== "string")
        return reply.code(400).send({ status: "error" });
    await pool.query({ ...insert, values: [external_id, event, Date.now(), request.raw_body] });
    return { status: "created", number: external_id };
});

async function main() {
    const socket = process.argv[2];
    fs.rmSync(socket, { force: true });
    await fastify.listen({ path: socket });
    fs.chmodSync(socket, 0o666);
}

process.on("SIGTERM", () => process.exit(0));
main();
