'use strict';

// Faults that tests queue for the next matching requests.

const FAULT_LIMIT = 1000;
const HUGE_BYTES = 10 * 1024 * 1024;
const LOST_MS = 6000;
const HTML = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';

function failure(status, description, parameters) {
    return { status, body: { ok: false, error_code: status, description, ...(parameters ? { parameters } : {}) } };
}

// `retry_after` and `header` may be anything, because senders must survive a body and a header that disagree or make no sense.
function throttle(fault) {
    const after = 'retry_after' in fault ? fault.retry_after : 3;
    const answer = failure(429, `Too Many Requests: retry after ${after}`, after === null ? undefined : { retry_after: after });
    const header = 'header' in fault ? fault.header : after;
    return { ...answer, headers: header === null ? {} : { 'Retry-After': String(header) } };
}

// forward: is the request passed on to the double?
// answer: what is said instead (null: the double's answer)
// ending: what the connection does: keep, close or reset without an answer, half an answer, or bytes that are no HTTP
const KINDS = {
    throttle: { forward: false, answer: throttle, ending: 'keep' },
    bad_request: {
        forward: false, ending: 'keep',
        answer: (f) => failure(400, f.description ?? 'Bad Request: chat not found'),
    },
    migrate: {
        forward: false, ending: 'keep',
        answer: (f) => failure(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: f.to }),
    },
    unauthorized: { forward: false, answer: () => failure(401, 'Unauthorized'), ending: 'keep' },
    forbidden: {
        forward: false, ending: 'keep',
        answer: (f) => failure(403, f.description ?? 'Forbidden: bot was blocked by the user'),
    },
    not_found: { forward: false, answer: () => failure(404, 'Not Found'), ending: 'keep' },
    conflict: {
        forward: false, ending: 'keep',
        answer: () => failure(409, 'Conflict: terminated by other getUpdates request'),
    },
    server_error: { forward: false, answer: () => failure(500, 'Internal Server Error'), ending: 'keep' },
    html_502: { forward: false, answer: () => ({ status: 502, html: HTML }), ending: 'keep' },
    html_200: { forward: false, answer: () => ({ status: 200, html: HTML }), ending: 'keep' },
    not_ok: {
        forward: false, ending: 'keep',
        answer: (f) => ({ ...failure(400, f.description ?? 'Bad Request'), status: 200 }),
    },
    status: {
        forward: false, ending: 'keep',
        answer: (f) => ({ status: f.status, html: f.body ?? '', headers: f.headers }),
    },
    huge: {
        forward: false, ending: 'keep',
        answer: (f) => ({ status: 200, html: 'A'.repeat(f.size_bytes ?? HUGE_BYTES) }),
    },
    lost: { forward: true, answer: null, ending: 'keep', delay_ms: LOST_MS },
    delay: { forward: false, answer: null, ending: 'keep', late_forward: true },
    reset_before: { forward: false, answer: null, ending: 'reset' },
    reset_after: { forward: true, answer: null, ending: 'reset' },
    close_before: { forward: false, answer: null, ending: 'close' },
    close_after: { forward: true, answer: null, ending: 'close' },
    half: { forward: true, answer: null, ending: 'half' },
    garbage: { forward: false, answer: null, ending: 'garbage' },
};

class Faults {
    constructor() {
        this.queue = [];
    }

    add(wish) {
        if (!Object.hasOwn(KINDS, wish.kind)) {
            throw new Error(`kind must be one of ${Object.keys(KINDS).join(', ')}`);
        }
        if (this.queue.length >= FAULT_LIMIT) {
            throw new Error(`more than ${FAULT_LIMIT} faults are queued`);
        }
        this.queue.push({ count: 1, skip: 0, hits: 0, ...wish });
    }

    clear() {
        this.queue.length = 0;
    }

    // The first fault for this chat and method, with its count taken down; a count of 0 stays until it is cleared.
    take(chat, api) {
        for (const fault of this.queue) {
            if ((fault.chat !== undefined && String(fault.chat) !== chat)
                || (fault.method !== undefined && fault.method.toLowerCase() !== api)) {
                continue;
            }
            if (fault.skip > 0) {
                fault.skip -= 1;
                continue;
            }
            fault.hits += 1;
            if (fault.count > 0 && fault.hits >= fault.count) {
                this.queue.splice(this.queue.indexOf(fault), 1);
            }
            return { ...KINDS[fault.kind], ...fault, answer: KINDS[fault.kind].answer };
        }
        return null;
    }
}

module.exports = { Faults, failure };
