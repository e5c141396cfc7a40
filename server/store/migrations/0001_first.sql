-- Only what SQLite and PostgreSQL both understand: TEXT and BIGINT, times as
-- milliseconds since 1970, booleans as 0 and 1.

-- +goose Up
CREATE TABLE learners (
    id         TEXT   NOT NULL PRIMARY KEY,
    language   TEXT   NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL
);

-- A session without a learner is a sandbox that stands ready for the next one.
CREATE TABLE sessions (
    id           TEXT   NOT NULL PRIMARY KEY,
    learner      TEXT   REFERENCES learners (id) ON DELETE CASCADE,
    lab          TEXT   NOT NULL,
    sandbox      TEXT   NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('creating', 'ready', 'ended')),
    created_at   BIGINT NOT NULL,
    active_at    BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    ended_reason TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX sessions_live ON sessions (state) WHERE state <> 'ended';
CREATE INDEX sessions_of_learner ON sessions (learner, lab);

-- Progress belongs to the learner and the lab: it outlives the session, whose
-- id only tells where it came from.
CREATE TABLE step_results (
    learner    TEXT   NOT NULL REFERENCES learners (id) ON DELETE CASCADE,
    lab        TEXT   NOT NULL,
    step       TEXT   NOT NULL,
    session    TEXT   NOT NULL,
    passed_at  BIGINT,
    caught_up  BIGINT NOT NULL DEFAULT 0,
    attempts   BIGINT NOT NULL DEFAULT 0,
    checked_at BIGINT,
    PRIMARY KEY (learner, lab, step)
);

CREATE TABLE hints_used (
    learner TEXT   NOT NULL REFERENCES learners (id) ON DELETE CASCADE,
    lab     TEXT   NOT NULL,
    step    TEXT   NOT NULL,
    hint    TEXT   NOT NULL,
    place   BIGINT NOT NULL,
    session TEXT   NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (learner, lab, step, hint)
);

CREATE TABLE solutions_revealed (
    learner     TEXT   NOT NULL REFERENCES learners (id) ON DELETE CASCADE,
    lab         TEXT   NOT NULL,
    step        TEXT   NOT NULL,
    session     TEXT   NOT NULL,
    revealed_at BIGINT NOT NULL,
    PRIMARY KEY (learner, lab, step)
);

CREATE TABLE answers (
    learner     TEXT   NOT NULL REFERENCES learners (id) ON DELETE CASCADE,
    lab         TEXT   NOT NULL,
    step        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    value       TEXT   NOT NULL,
    session     TEXT   NOT NULL,
    answered_at BIGINT NOT NULL,
    PRIMARY KEY (learner, lab, step, name)
);

CREATE TABLE secrets (
    name       TEXT   NOT NULL PRIMARY KEY,
    value      TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE secrets;
DROP TABLE answers;
DROP TABLE solutions_revealed;
DROP TABLE hints_used;
DROP TABLE step_results;
DROP TABLE sessions;
DROP TABLE learners;
