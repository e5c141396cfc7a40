-- What a class's view is built from, beside the results of 0001.

-- +goose Up
-- Tries of a step that failed. failing is a JSON array: the checks that failed,
-- each with its place, kind, reason and a sentence in each language.
CREATE TABLE failures (
    id        TEXT   NOT NULL PRIMARY KEY,
    learner   TEXT   NOT NULL REFERENCES learners (id) ON DELETE CASCADE,
    lab       TEXT   NOT NULL,
    step      TEXT   NOT NULL,
    session   TEXT   NOT NULL,
    asked     BIGINT NOT NULL,
    failing   TEXT   NOT NULL,
    failed_at BIGINT NOT NULL
);
CREATE INDEX failures_of ON failures (learner, lab, step, failed_at);

-- When a learner came to a step, and how long they have been active at it.
CREATE TABLE step_times (
    learner  TEXT   NOT NULL REFERENCES learners (id) ON DELETE CASCADE,
    lab      TEXT   NOT NULL,
    step     TEXT   NOT NULL,
    begun_at BIGINT NOT NULL,
    spent_ms BIGINT NOT NULL DEFAULT 0,
    input_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (learner, lab, step)
);

-- +goose Down
DROP TABLE step_times;
DROP TABLE failures;
