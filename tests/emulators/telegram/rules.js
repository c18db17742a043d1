'use strict';

// What the real Bot API refuses and the double lets through. Each row: is the rule broken, and what the real service says.

const { MarkupError, plainText } = require('./html');

const RAW_TEXT_BYTES = 32768;
const MESSAGE_CODE_POINTS = 4096;
const CALLBACK_DATA_BYTES = 64;
const PARSE_MODES = new Set(['', 'html', 'markdown', 'markdownv2', 'none']);
const WITH_TEXT = new Set(['sendmessage', 'editmessagetext']);
const WITH_CHAT = new Set([...WITH_TEXT, 'editmessagereplymarkup', 'deletemessage']);

function codePoints(text) {
    return [...text].length;
}

// Only HTML is understood; a text in another mode counts as it stands.
function visibleText(params) {
    const text = String(params.text);
    return String(params.parse_mode ?? '').toLowerCase() === 'html' ? plainText(text) : text;
}

function markupProblem(params) {
    try {
        visibleText(params);
        return null;
    } catch (error) {
        if (!(error instanceof MarkupError)) {
            throw error;
        }
        return `can't parse entities: ${error.message[0].toLowerCase()}${error.message.slice(1)}`;
    }
}

function readMarkup(params) {
    return typeof params.reply_markup === 'string' ? JSON.parse(params.reply_markup || '{}') : params.reply_markup;
}

function badMarkup(params) {
    try {
        readMarkup(params);
        return false;
    } catch {
        return true;
    }
}

function badButton(params) {
    const markup = readMarkup(params);
    const buttons = Array.isArray(markup?.inline_keyboard) ? markup.inline_keyboard.flat() : [];
    return buttons.some((button) => {
        const size = Buffer.byteLength(String(button?.callback_data ?? '-'));
        return size < 1 || size > CALLBACK_DATA_BYTES;
    });
}

const TEXT_RULES = [
    [(params) => params.text === undefined || params.text === null || params.text === '', () => 'message text is empty'],
    [(params) => !String(params.text).isWellFormed(), () => 'strings must be encoded in UTF-8'],
    [(params) => Buffer.byteLength(String(params.text)) > RAW_TEXT_BYTES, () => 'text is too long'],
    [(params) => !PARSE_MODES.has(String(params.parse_mode ?? '').toLowerCase()), () => 'unsupported parse_mode'],
    [(params) => markupProblem(params) !== null, (params) => markupProblem(params)],
    [(params) => visibleText(params).trim() === '', () => 'text must be non-empty'],
    [(params) => codePoints(visibleText(params).trim()) > MESSAGE_CODE_POINTS, () => 'message is too long'],
];

const CHAT_RULES = [
    [(params) => params.chat_id === undefined || params.chat_id === null || params.chat_id === '', () => 'chat_id is empty'],
    [(params) => !/^(-?\d+|@\w+)$/.test(String(params.chat_id)), () => 'chat not found'],
    [badMarkup, () => "can't parse reply keyboard markup JSON object"],
    [badButton, () => 'BUTTON_DATA_INVALID'],
];

// The description of the 400 that the real service would answer, or null.
function refusal(api, params) {
    const rules = [...(WITH_TEXT.has(api) ? TEXT_RULES : []), ...(WITH_CHAT.has(api) ? CHAT_RULES : [])];
    for (const [broken, describe] of rules) {
        if (broken(params)) {
            return `Bad Request: ${describe(params)}`;
        }
    }
    return null;
}

module.exports = { refusal };
