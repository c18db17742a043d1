'use strict';

// /_control/: how tests queue faults and look inside.

const WAIT_LIMIT_MS = 60000;

class Control {
    // `double` is asked over HTTP for what it stored, so that what tests see is not our own bookkeeping.
    constructor(faults, journal, settings, double, updates) {
        this.faults = faults;
        this.journal = journal;
        this.settings = settings;
        this.double = double;
        this.updates = updates;
        this.tokens = new Set();
        this.actions = {
            'POST faults': (value) => this.addFaults(value),
            'GET faults': () => ({ faults: this.faults.queue }),
            'DELETE faults': () => this.faults.clear(),
            'GET journal': (value, query) => this.readJournal(query),
            'GET messages': (value, query) => this.readMessages(query),
            'POST press': (value) => this.press(value),
            'POST say': (value) => this.say(value),
            'POST update': (value) => this.updates.push(this.lastToken(), value),
            'POST config': (value) => this.configure(value),
            'POST reset': () => this.reset(),
        };
    }

    async handle(method, name, query, text) {
        const action = this.actions[`${method} ${name}`];
        if (action === undefined) {
            return { status: 404, body: { error: `no such control: ${method} ${name}` } };
        }
        try {
            return { status: 200, body: (await action(text ? JSON.parse(text) : {}, query)) ?? {} };
        } catch (error) {
            return { status: 400, body: { error: error.message } };
        }
    }

    // The bot that called last is the last of the set.
    remember(token) {
        this.tokens.delete(token);
        this.tokens.add(token);
    }

    addFaults(value) {
        (Array.isArray(value) ? value : [value]).forEach((wish) => this.faults.add(wish));
        return { queued: this.faults.queue.length };
    }

    async readJournal(query) {
        const until = Date.now() + Math.min(Number(query.get('wait_ms') ?? 0), WAIT_LIMIT_MS);
        for (;;) {
            const entries = this.journal.select(query);
            const left = until - Date.now();
            if (entries.length > 0 || left <= 0) {
                return { entries };
            }
            await this.journal.wait(left);
        }
    }

    // What is in the chats, in the order of arrival. A bot that calls meanwhile moves in the set.
    async readMessages(query) {
        const stored = [];
        for (const token of [...this.tokens]) {
            const answer = await this.double('POST', '/getUpdatesHistory', { token });
            stored.push(...(JSON.parse(answer.text).result ?? []).filter((item) => item.message?.chat_id !== undefined));
        }
        const messages = stored.map((item) => ({
            message_id: item.messageId, at_ms: item.time, chat: String(item.message.chat_id), text: item.message.text,
            message: item.message,
        }));
        messages.sort((left, right) => left.message_id - right.message_id);
        return { messages: messages.filter((row) => query.get('chat') === null || row.chat === query.get('chat')) };
    }

    lastToken() {
        const [token] = [...this.tokens].slice(-1);
        if (token === undefined) {
            throw new Error('no bot has called yet');
        }
        return token;
    }

    async tellDouble(path, value) {
        const answer = await this.double('POST', path, { botToken: this.lastToken(), ...value });
        if (answer.status !== 200) {
            throw new Error(`the double answered ${answer.status}: ${answer.text}`);
        }
    }

    // Somebody in the chat presses a button of a message.
    press(value) {
        return this.tellDouble('/sendCallback', {
            from: value.from ?? { id: 5, first_name: 'Оператор' }, data: value.data,
            message: { message_id: value.message_id, chat: { id: value.chat } },
        });
    }

    // Somebody writes into a chat where the bot is.
    say(value) {
        return this.tellDouble('/sendMessage', {
            from: value.from ?? { id: 5, first_name: 'Оператор' }, text: value.text,
            chat: { id: value.chat, type: value.chat > 0 ? 'private' : 'supergroup' },
            date: value.date ?? Math.floor(Date.now() / 1000),
        });
    }

    // {"tokens": ["…"]}: only these bots are let in; an empty list lets in every bot.
    configure(value) {
        if (!Array.isArray(value.tokens)) {
            throw new Error('tokens must be a list');
        }
        this.settings.tokens = value.tokens;
    }

    reset() {
        this.faults.clear();
        this.journal.clear();
        this.tokens.clear();
        this.settings.tokens = [];
        this.settings.forgetMessages();
        this.updates.clear();
    }
}

module.exports = { Control };
