'use strict';

// Updates as the real service hands them out: kept until they are confirmed by a later offset, to one receiver at a time.
// The double forgets an update as soon as it was read once, and knows no offset.

const LONG_POLL_LIMIT_S = 50;
const LONG_POLL_STEP_MS = 50;
const LIMIT = 100;

function sleep(ms) {
    return new Promise((resolve) => { setTimeout(resolve, ms); });
}

class Updates {
    // fetch(token) gives what the double has that is new.
    constructor(fetch) {
        this.fetch = fetch;
        this.bots = new Map();
    }

    of(token) {
        if (!this.bots.has(token)) {
            this.bots.set(token, { queue: [], turn: 0, webhook: '' });
        }
        return this.bots.get(token);
    }

    clear() {
        this.bots.clear();
    }

    // A test's own update, whatever it is.
    push(token, update) {
        this.of(token).queue.push(update);
    }

    setWebhook(token, url) {
        this.of(token).webhook = url;
    }

    // {result} or {conflict}. A later question ends an earlier one.
    async poll(token, params) {
        const bot = this.of(token);
        if (bot.webhook !== '') {
            return { conflict: "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first" };
        }
        bot.turn += 1;
        const { turn } = bot;
        const offset = Number(params.offset ?? 0);
        const limit = Math.min(Number(params.limit ?? LIMIT), LIMIT);
        const until = Date.now() + Math.min(Number(params.timeout ?? 0), LONG_POLL_LIMIT_S) * 1000;
        bot.queue = bot.queue.filter((update) => !(update?.update_id < offset));
        for (;;) {
            bot.queue.push(...await this.fetch(token));
            if (bot.turn !== turn || this.bots.get(token) !== bot) {
                return { conflict: 'terminated by other getUpdates request; make sure that only one bot instance is running' };
            }
            if (bot.queue.length > 0 || Date.now() >= until) {
                return { result: bot.queue.slice(0, limit) };
            }
            await sleep(LONG_POLL_STEP_MS);
        }
    }
}

module.exports = { Updates };
