-- run.trace, schema version 3 (PRAGMA user_version), application id 0x53574950 ("SWIP").
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
-- and folds, in this order, the rows of run, of cases by rowid, of epochs by epoch and of cycles by cycle:
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

CREATE TABLE contents (
  sha256 TEXT NOT NULL
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
