'use strict';

// The markup rules of parse_mode=HTML with the error texts of the real server, so that a broken message fails here as there.
// Offsets are bytes of UTF-8, therefore the text is walked as a Buffer.

const TAGS = new Set(['a', 'b', 'strong', 'i', 'em', 's', 'strike', 'del', 'u', 'ins', 'tg-spoiler', 'tg-emoji', 'tg-time',
    'span', 'pre', 'code', 'blockquote']);
const NAMED = { lt: '<', gt: '>', amp: '&', quot: '"' };
const CODE = { space: new Set([9, 10, 11, 12, 13, 32]), nameEnd: new Set([0x3d, 0x3e, 0x2f, 0x22, 0x27]) };
const GREATER = 0x3e;
const SLASH = 0x2f;
const EQUALS = 0x3d;

class MarkupError extends Error {}

class Parser {
    constructor(text) {
        this.bytes = Buffer.from(text, 'utf8');
        this.position = 0;
        this.open = [];
        this.plain = [];
    }

    // The text without markup; a MarkupError when the markup is broken.
    parse() {
        while (this.position < this.bytes.length) {
            if (this.bytes[this.position] === 0x3c) {
                this.readTag();
            } else if (this.bytes[this.position] !== 0x26 || !this.readEntity()) {
                this.plain.push(this.bytes.subarray(this.position, this.position + 1));
                this.position += 1;
            }
        }
        if (this.open.length > 0) {
            throw new MarkupError(`Can't find end tag corresponding to start tag "${this.open.at(-1)}"`);
        }
        return Buffer.concat(this.plain).toString('utf8');
    }

    readEntity() {
        const rest = this.bytes.subarray(this.position, this.position + 16).toString('latin1');
        const found = /^&(?:#x([0-9a-f]+)|#([0-9]+)|(lt|gt|amp|quot));?/i.exec(rest);
        if (found === null || (found[3] && !(found[3] in NAMED))) {
            return false;
        }
        const code = found[3] ? 0 : parseInt(found[1] ?? found[2], found[1] ? 16 : 10);
        if (!found[3] && (code === 0 || code >= 0x10ffff)) {
            return false;
        }
        this.plain.push(Buffer.from(found[3] ? NAMED[found[3]] : String.fromCodePoint(code), 'utf8'));
        this.position += found[0].length;
        return true;
    }

    readTag() {
        const begin = this.position;
        this.position += 1;
        if (this.bytes[this.position] === SLASH) {
            this.readEndTag(begin);
        } else {
            this.readStartTag(begin);
        }
        this.position += 1;
    }

    readStartTag(begin) {
        this.skip((byte) => !CODE.space.has(byte) && byte !== GREATER);
        this.needMore(begin, 'Unclosed start tag');
        const name = this.text(begin + 1, this.position).toLowerCase();
        if (!TAGS.has(name)) {
            throw new MarkupError(`Unsupported start tag "${name}" at byte offset ${begin}`);
        }
        let spoiler = false;
        while (this.bytes[this.position] !== GREATER) {
            const [attribute, value] = this.readAttribute(begin, name);
            spoiler ||= attribute === 'class' && value === 'tg-spoiler';
        }
        if (name === 'span' && !spoiler) {
            throw new MarkupError(`Tag "span" must have class "tg-spoiler" at byte offset ${begin}`);
        }
        this.open.push(name);
    }

    readAttribute(begin, tag) {
        this.skip((byte) => CODE.space.has(byte));
        if (this.bytes[this.position] === GREATER) {
            return ['', ''];
        }
        const start = this.position;
        this.skip((byte) => !CODE.space.has(byte) && !CODE.nameEnd.has(byte));
        const attribute = this.text(start, this.position).toLowerCase();
        if (attribute === '') {
            throw new MarkupError(`Empty attribute name in the tag "${tag}" at byte offset ${begin}`);
        }
        this.skip((byte) => CODE.space.has(byte));
        this.needMore(begin, `Unclosed start tag "${tag}"`);
        if (this.bytes[this.position] !== EQUALS) {
            return [attribute, ''];
        }
        this.position += 1;
        this.skip((byte) => CODE.space.has(byte));
        this.needMore(begin, `Unclosed start tag "${tag}"`);
        const value = this.readValue();
        this.needMore(begin, 'Unclosed start tag');
        return [attribute, value];
    }

    readValue() {
        const quote = this.bytes[this.position];
        if (quote === 0x22 || quote === 0x27) {
            const start = ++this.position;
            this.skip((byte) => byte !== quote);
            return this.text(start, this.position++);
        }
        const start = this.position;
        this.skip((byte) => /[0-9A-Za-z.-]/.test(String.fromCharCode(byte)));
        const next = this.bytes[this.position];
        if (next !== undefined && !CODE.space.has(next) && next !== GREATER) {
            throw new MarkupError(`Unexpected end of name token at byte offset ${start}`);
        }
        return this.text(start, this.position).toLowerCase();
    }

    readEndTag(begin) {
        if (this.open.length === 0) {
            throw new MarkupError(`Unexpected end tag at byte offset ${begin}`);
        }
        this.skip((byte) => !CODE.space.has(byte) && byte !== GREATER);
        const name = this.text(begin + 2, this.position).toLowerCase();
        this.skip((byte) => CODE.space.has(byte));
        if (this.bytes[this.position] !== GREATER) {
            throw new MarkupError(`Unclosed end tag at byte offset ${begin}`);
        }
        const expected = this.open.pop();
        if (name !== '' && name !== expected) {
            throw new MarkupError(`Unmatched end tag at byte offset ${begin}, expected "</${expected}>", found "</${name}>"`);
        }
    }

    skip(wanted) {
        while (this.position < this.bytes.length && wanted(this.bytes[this.position])) {
            this.position += 1;
        }
    }

    needMore(begin, text) {
        if (this.position >= this.bytes.length) {
            throw new MarkupError(`${text} at byte offset ${begin}`);
        }
    }

    text(from, to) {
        return this.bytes.subarray(from, to).toString('utf8');
    }
}

function plainText(html) {
    return new Parser(html).parse();
}

module.exports = { MarkupError, plainText };
