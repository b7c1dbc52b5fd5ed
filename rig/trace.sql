-- run.trace, schema version 5 (PRAGMA user_version), application id 0x53574950 ("SWIP").
-- Everything done to the terminal and everything seen of it, in order; verdicts beside it. Any SQLite reader will do.
--
-- The head can be recomputed with SQL and sha256 alone. An epoch's head starts as 32 zero bytes; for each of its events
-- in order of seq:
--     head = sha256(head || at_ns || '|' || at_uncertainty_ns || '|' || source || '|' || kind || '|' || body)
-- where numbers are decimal text and body is the stored text. cycles.head is the value after the cycle's last event,
-- epochs.head after the last cycle. The run's head starts as 32 zero bytes and folds epochs in order:
--     head = sha256(head || lower-case hex of the epoch's head)
-- No wall time and no run id is in a head: one seed, one head.

-- What is beside the events is proved by one more digest, contents.sha256 (lower-case hex). It starts as 32 zero bytes
-- and folds, in this order, the rows of run, of cases by rowid, of epochs by epoch, of cycles by cycle and of vault:
--     digest = sha256(digest || quote(first column) || '|' || quote(second column) || '|' ...)
-- with SQLite's quote(). It is written when the run ends in order.

CREATE TABLE run (
  id TEXT NOT NULL,                 -- names this run; not part of the head
  campaign TEXT NOT NULL,
  bench TEXT NOT NULL,
  seed TEXT NOT NULL,               -- unsigned 64-bit, decimal
  virtual INTEGER NOT NULL,         -- 1: bench time is simulated
  cycles_planned INTEGER NOT NULL,
  scope TEXT NOT NULL,              -- JSON: what the bench can see and what the terminal's profile declares
  rig_version TEXT NOT NULL,
  begun_wall_s INTEGER NOT NULL,    -- seconds since 1970, an anchor
  ended_wall_s INTEGER,
  wall_ms INTEGER,                  -- how long the run took on the wall
  head TEXT                         -- lower-case hex; NULL: the run did not end in order
);

-- The cases of a campaign are there when the run begins; those drawn at random come with their epoch, one for a cycle.
CREATE TABLE cases (
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL                -- JSON: the whole case, as planned
);

CREATE TABLE epochs (
  epoch INTEGER PRIMARY KEY,
  first_cycle INTEGER NOT NULL,
  cycles INTEGER NOT NULL,
  bench_ns INTEGER NOT NULL,        -- bench time that passed
  head TEXT NOT NULL
);

-- A cycle is durable before its first motion; without a verdict it was cut short and counts as inconclusive.
CREATE TABLE cycles (
  cycle INTEGER PRIMARY KEY,        -- from 0
  epoch INTEGER NOT NULL,
  case_name TEXT NOT NULL REFERENCES cases(name),
  begun_ns INTEGER NOT NULL,        -- bench time of its epoch
  ended_ns INTEGER,
  outcome TEXT,                     -- pass, inconclusive, fail, error
  cause TEXT,                       -- what diagnose said
  induced TEXT,                     -- what the case induced
  verdict TEXT,                     -- JSON: findings, evidence, diagnosis
  head TEXT
);

-- Events as they lie in the file: consecutive ones of one cycle, a cycle's at once or one by one as they happened.
CREATE TABLE chunks (
  first_seq INTEGER PRIMARY KEY,    -- of the first event in it
  cycle INTEGER NOT NULL,
  count INTEGER NOT NULL,           -- how many
  events TEXT NOT NULL              -- JSON without blanks: [[at_ns,at_uncertainty_ns,source,kind,body],...]
);
CREATE INDEX chunks_of_cycle ON chunks(cycle);

CREATE VIEW events AS SELECT
  first_seq + each.key AS seq,      -- order of arrival, from 1, each once
  cycle,
  json_extract(each.value, '$[0]') AS at_ns,              -- bench time of its epoch
  json_extract(each.value, '$[1]') AS at_uncertainty_ns,
  json_extract(each.value, '$[2]') AS source,             -- rig, actuator, power, network, host, terminal
  json_extract(each.value, '$[3]') AS kind,               -- swipe, press, ..., milestone, text, ..., silence
  json_extract(each.value, '$[4]') AS body                -- JSON, canonical: fixed key order, integers and strings only
FROM chunks, json_each(chunks.events) AS each;

-- What the books say of a judged cycle, taken from its events so that books can be added up again without reading them
-- (`swiperig books`); that a row is what the events say is proved by `swiperig judge`.
CREATE TABLE books (
  cycle INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  outcome TEXT NOT NULL,            -- as in cycles
  books TEXT NOT NULL               -- JSON without blanks: [journal,ledger,issuer,[intent,...],[attempt,...]]: numbers
                                    -- of the events that read each book last, or 0; what each intent was meant to cost;
                                    -- and an attempt as the view has it
);

CREATE VIEW attempts AS SELECT
  cycle,
  json_extract(each.value, '$[0]') AS batch, json_extract(each.value, '$[1]') AS stan,
  json_extract(each.value, '$[2]') AS kind,
  json_extract(each.value, '$[3]') AS intent,             -- which one, from 0; -1: none of this cycle
  json_extract(each.value, '$[4]') AS requested_minor, json_extract(each.value, '$[5]') AS requested_seq,
  json_extract(each.value, '$[6]') AS told, json_extract(each.value, '$[7]') AS told_minor,
  json_extract(each.value, '$[8]') AS told_seq,
  json_extract(each.value, '$[9]') AS journal, json_extract(each.value, '$[10]') AS journal_minor,
  json_extract(each.value, '$[11]') AS ledger, json_extract(each.value, '$[12]') AS ledger_minor,
  json_extract(each.value, '$[13]') AS issuer, json_extract(each.value, '$[14]') AS issuer_minor,
  json_extract(each.value, '$[15]') AS reversed_seq,      -- a reversal of it was answered as done
  json_extract(each.value, '$[16]') AS ended_seq,         -- what ended a doubt about it
  json_extract(each.value, '$[17]') AS gave_up_seq,       -- the terminal reported that it tries no longer
  json_extract(each.value, '$[18]') AS doubt,             -- 1: money may have moved, and the terminal cannot know
  json_extract(each.value, '$[19]') AS carried,           -- 1: of an earlier cycle, and nothing else was seen of it
  json_extract(each.value, '$[20]') AS unread             -- 1: its batch was closed before a book that had it was read
FROM books, json_each(books.books, '$[4]') AS each;

-- books is the SHA-256 of its table: of 'cycle|epoch|outcome|books' and a line feed for each row, by cycle.
CREATE TABLE contents (
  sha256 TEXT NOT NULL,
  books TEXT NOT NULL
);

-- Whole messages of declared test cards are sealed in a file beside the trace (bindings/vault.hpp): one row when the run
-- had such a file and ended in order, else none.
CREATE TABLE vault (
  messages INTEGER NOT NULL,        -- how many
  sha256 TEXT NOT NULL              -- lower-case hex: head = sha256(head || line) over its lines, from 32 zero bytes
);

-- Signatures over heads; written by `seal`, empty until then.
CREATE TABLE seals (
  seal INTEGER PRIMARY KEY,
  head TEXT NOT NULL,
  run_id TEXT NOT NULL,
  wall_s INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  algorithm TEXT NOT NULL,
  key TEXT NOT NULL,
  signature TEXT NOT NULL
);
