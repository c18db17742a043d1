'use strict';

// HTTP proxy in front of the double: checks what the double does not check, injects faults, keeps a journal.

const http = require('node:http');
const { Control } = require('./control');
const { Faults, failure } = require('./faults');
const { Journal } = require('./journal');
const { refusal } = require('./rules');
const { Updates } = require('./updates');

const BODY_LIMIT_BYTES = 1024 * 1024;
const GARBAGE = Buffer.from('\x16\x03\x01\x00\xa5 this is not HTTP \x00\xff\r\n\r\n', 'latin1');

function sleep(ms) {
    return new Promise((resolve) => { setTimeout(resolve, ms); });
}

// The whole body, or null when it is over the limit.
async function readBody(stream, limit = Infinity) {
    const parts = [];
    let size = 0;
    for await (const part of stream) {
        size += part.length;
        if (size > limit) {
            return null;
        }
        parts.push(part);
    }
    return Buffer.concat(parts);
}

class Proxy {
    // `settings.tokens` are the bots let in (empty: all); `settings.forgetMessages()` empties the double.
    constructor(target, settings) {
        this.target = new URL(target);
        this.settings = settings;
        this.journal = new Journal();
        this.faults = new Faults();
        this.agent = new http.Agent({ keepAlive: true });
        this.updates = new Updates(this.fetchUpdates.bind(this));
        this.control = new Control(this.faults, this.journal, settings, this.callDouble.bind(this), this.updates);
        this.connections = 0;
        this.server = http.createServer((request, response) => {
            this.handle(request, response).catch((error) => this.fail(response, error));
        });
        this.server.on('connection', (socket) => {
            this.connections += 1;
            socket.connectionNumber = this.connections;
        });
        // A sender may keep its connection for minutes between two ticks.
        this.server.keepAliveTimeout = 300000;
    }

    listen(port) {
        return new Promise((resolve, reject) => {
            this.server.once('error', reject);
            this.server.listen(port, '127.0.0.1', () => resolve(this.server.address().port));
        });
    }

    fail(response, error) {
        process.stderr.write(`telegram: ${error.stack}\n`);
        if (!response.headersSent) {
            this.send(response, failure(500, 'Internal Server Error: the double is broken'));
        }
    }

    async handle(request, response) {
        const url = new URL(request.url, 'http://double');
        const body = await readBody(request, BODY_LIMIT_BYTES);
        if (body === null) {
            this.send(response, failure(413, 'Request Entity Too Large'));
        } else if (url.pathname.startsWith('/_control/')) {
            const name = url.pathname.slice('/_control/'.length);
            this.send(response, await this.control.handle(request.method, name, url.searchParams, body.toString()));
        } else {
            await this.handleBot(request, response, url, body);
        }
    }

    async handleBot(request, response, url, body) {
        const found = /^\/bot([^/]+)\/(\w+)$/.exec(url.pathname);
        const call = {
            token: found?.[1], api: found?.[2].toLowerCase(), name: found?.[2],
            params: readParams(request, url, body),
        };
        const chat = call.params?.chat_id === undefined ? null : String(call.params.chat_id);
        const fault = this.faults.take(chat, call.api);
        const entry = this.journal.add({
            method: request.method, path: found ? `/bot<TOKEN>/${call.name}` : url.pathname.replace(/bot[^/]+/, 'bot<TOKEN>'),
            api: call.api ?? null, chat, body: call.params ?? body.toString('latin1'), fault: fault?.kind ?? null,
            connection: request.socket.connectionNumber, forwarded: false, status: null,
        });
        await this.answer(call, fault, entry, response);
    }

    async answer(call, fault, entry, response) {
        if (fault?.late_forward) {
            await sleep(fault.delay_ms ?? 0);
        }
        let real = null;
        if (fault === null || fault.forward || fault.late_forward) {
            real = await this.decide(call, entry);
        }
        if (fault !== null && !fault.late_forward) {
            await sleep(fault.delay_ms ?? 0);
        }
        const said = fault?.answer ? fault.answer(fault) : real;
        entry.status = ['keep', undefined].includes(fault?.ending) ? said.status : null;
        this.end(response, fault?.ending ?? 'keep', said);
    }

    // The real service's refusal, or the double's answer.
    async decide(call, entry) {
        if (call.token === undefined) {
            return failure(404, 'Not Found');
        }
        if (this.settings.tokens.length > 0 && !this.settings.tokens.includes(call.token)) {
            return failure(401, 'Unauthorized');
        }
        if (call.params === null) {
            return failure(400, 'Bad Request: strings must be encoded in UTF-8');
        }
        const description = refusal(call.api, call.params);
        if (description !== null) {
            return failure(400, description);
        }
        entry.forwarded = true;
        this.control.remember(call.token);
        if (Object.hasOwn(OWN, call.api)) {
            return OWN[call.api](this.updates, call);
        }
        const answer = await this.forward(call);
        return { status: answer.status, html: answer.text, headers: { 'Content-Type': 'application/json' } };
    }

    forward(call) {
        return this.callDouble('POST', `/bot${call.token}/${spelling(call.name)}`, call.params);
    }

    async fetchUpdates(token) {
        const answer = await this.callDouble('POST', `/bot${token}/getUpdates`, {});
        return answer.status === 200 ? JSON.parse(answer.text).result : [];
    }

    callDouble(method, path, value) {
        const body = JSON.stringify(value);
        const options = {
            method, path, host: this.target.hostname, port: this.target.port, agent: this.agent,
            headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
        };
        return new Promise((resolve, reject) => {
            const request = http.request(options, (response) => {
                readBody(response).then((text) => resolve({ status: response.statusCode, text: text.toString() }), reject);
            });
            request.once('error', reject);
            request.end(body);
        });
    }

    send(response, said) {
        const body = said.body === undefined ? (said.html ?? '') : JSON.stringify(said.body);
        const type = said.body === undefined ? 'text/html' : 'application/json';
        response.writeHead(said.status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...said.headers });
        response.end(body);
    }

    end(response, ending, said) {
        // A client that gave up during a delay has taken its socket with it.
        const { socket } = response;
        const endings = {
            keep: () => this.send(response, said),
            close: () => socket?.destroy(),
            reset: () => socket?.resetAndDestroy(),
            half: () => socket?.end(half(said)),
            garbage: () => socket?.end(GARBAGE),
        };
        endings[ending]();
    }
}

function success(result) {
    return { status: 200, body: { ok: true, result } };
}

// What the double does not have, or has otherwise than the real service.
const OWN = {
    getupdates: async (updates, call) => {
        const said = await updates.poll(call.token, call.params);
        return said.conflict === undefined ? success(said.result) : failure(409, `Conflict: ${said.conflict}`);
    },
    setmycommands: () => success(true),
    setwebhook: (updates, call) => {
        updates.setWebhook(call.token, String(call.params.url ?? ''));
        return success(true);
    },
    deletewebhook: (updates, call) => {
        updates.setWebhook(call.token, '');
        return success(true);
    },
    getwebhookinfo: (updates, call) => success({ url: updates.of(call.token).webhook, pending_update_count: 0 }),
};

// The double knows its methods only by their exact spelling, the real service by any case.
const SPELLINGS = new Map(['sendMessage', 'editMessageText', 'editMessageReplyMarkup', 'deleteMessage', 'getMe', 'answerCallbackQuery'].map((name) => [name.toLowerCase(), name]));

function spelling(name) {
    return SPELLINGS.get(name.toLowerCase()) ?? name;
}

function half(said) {
    const body = said.body === undefined ? said.html : JSON.stringify(said.body);
    const size = Buffer.byteLength(body);
    const head = `HTTP/1.1 ${said.status} OK\r\nContent-Type: application/json\r\nContent-Length: ${size}\r\n\r\n`;
    return head + body.slice(0, Math.floor(body.length / 2));
}

// Parameters from the query and a JSON or form body; null when the body is no valid UTF-8 or cannot be read.
function readParams(request, url, body) {
    try {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
        const type = request.headers['content-type'] ?? '';
        const query = Object.fromEntries(url.searchParams);
        if (text === '') {
            return query;
        }
        if (type.startsWith('application/x-www-form-urlencoded')) {
            return { ...query, ...Object.fromEntries(new URLSearchParams(text)) };
        }
        const value = JSON.parse(text);
        return typeof value === 'object' && value !== null ? { ...query, ...value } : null;
    } catch {
        return null;
    }
}

module.exports = { Proxy };
