'use strict';

// Every request that came in, with the bot's token taken out, because journals end up in test logs.

const ENTRY_LIMIT = 100000;

class Journal {
    constructor() {
        this.entries = [];
        this.sequence = 0;
        this.waiters = new Set();
    }

    add(entry) {
        this.sequence += 1;
        const row = { n: this.sequence, at_ms: Date.now(), ...entry };
        this.entries.push(row);
        if (this.entries.length > ENTRY_LIMIT) {
            this.entries.splice(0, ENTRY_LIMIT / 10);
        }
        this.waiters.forEach((wake) => wake());
        return row;
    }

    clear() {
        this.entries.length = 0;
    }

    select(query) {
        const after = Number(query.get('after') ?? 0);
        const wanted = ['chat', 'api'].filter((name) => query.get(name) !== null);
        return this.entries.filter((row) => row.n > after && wanted.every((name) => row[name] === query.get(name)));
    }

    // Until the next entry or the time-out.
    async wait(limitMs) {
        let wake;
        let timer;
        await new Promise((resolve) => {
            wake = resolve;
            timer = setTimeout(resolve, limitMs);
            this.waiters.add(wake);
        });
        clearTimeout(timer);
        this.waiters.delete(wake);
    }
}

module.exports = { Journal };
