-- What people say to the bot, what it answers, and where Telegram refuses it.

-- Each update of the Bot API once. Handled ones stay for two days, without what
-- was said: a repeat is known by them, and getUpdates goes on after the last.
CREATE TABLE telegram_updates (
  bot         INTEGER NOT NULL, -- the bot's id
  update_id   INTEGER NOT NULL,
  kind        TEXT NOT NULL, -- button, command, other
  chat        TEXT NOT NULL, -- with its topic; '' : none
  private     INTEGER NOT NULL,
  message     INTEGER NOT NULL, -- its id there; 0: none
  user_id     INTEGER NOT NULL,
  user_name   TEXT NOT NULL,
  query       TEXT NOT NULL, -- id of a callback query
  text        TEXT NOT NULL, -- callback data, or a command
  said_ms     INTEGER NOT NULL, -- 0: unknown
  received_ms INTEGER NOT NULL,
  handled_ms  INTEGER,
  outcome     TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (bot, update_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX telegram_updates_open ON telegram_updates (bot, update_id)
  WHERE handled_ms IS NULL;
CREATE INDEX telegram_updates_user ON telegram_updates (user_id, handled_ms);
CREATE INDEX telegram_updates_age ON telegram_updates (received_ms);

-- Calls of the Bot API that follow from an update; gone when they are done.
CREATE TABLE telegram_replies (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  method     TEXT NOT NULL,
  body       TEXT NOT NULL, -- JSON
  chat       TEXT NOT NULL, -- that gets `instead`, when it is refused
  instead    TEXT NOT NULL, -- HTML; '' : nothing
  attempts   INTEGER NOT NULL DEFAULT 0,
  due_ms     INTEGER NOT NULL,
  until_ms   INTEGER NOT NULL, -- later it is of no use
  created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX telegram_replies_due ON telegram_replies (due_ms, id);

-- People whom the bot does not know: told so once, then only counted.
CREATE TABLE telegram_strangers (
  user_id  INTEGER PRIMARY KEY,
  first_ms INTEGER NOT NULL,
  last_ms  INTEGER NOT NULL,
  told_ms  INTEGER, -- null: never
  updates  INTEGER NOT NULL
) STRICT;
CREATE INDEX telegram_strangers_last ON telegram_strangers (last_ms);
CREATE INDEX telegram_strangers_told ON telegram_strangers (told_ms)
  WHERE told_ms IS NOT NULL;

-- Where Telegram refuses the bot itself.
CREATE TABLE telegram_troubles (
  part     TEXT PRIMARY KEY, -- sending, updates
  kind     TEXT NOT NULL,    -- denied, conflict
  reason   TEXT NOT NULL,
  key      TEXT NOT NULL, -- of the token and the address that were refused
  since_ms INTEGER NOT NULL,
  at_ms    INTEGER NOT NULL  -- the last time
) STRICT, WITHOUT ROWID;
