-- What learners and teachers of a class ask and tell each other.

-- +goose Up
CREATE TABLE hands (
    member     TEXT   NOT NULL PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE,
    lab        TEXT   NOT NULL,
    step       TEXT   NOT NULL,
    said       TEXT   NOT NULL,
    raised_at  BIGINT NOT NULL,
    claimed_by TEXT   NOT NULL DEFAULT '',
    claimed_at BIGINT
);

-- When a teacher has said that a member needs no help: what came before is seen.
CREATE TABLE dismissals (
    member       TEXT   NOT NULL PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE,
    dismissed_at BIGINT NOT NULL
);

-- A message without a member went to the class, or to all at a step. members is
-- a JSON array: whom it reached.
CREATE TABLE messages (
    id      TEXT   NOT NULL PRIMARY KEY,
    class   TEXT   NOT NULL REFERENCES classes (id) ON DELETE CASCADE,
    sender  TEXT   NOT NULL,
    said    TEXT   NOT NULL,
    member  TEXT   NOT NULL DEFAULT '',
    lab     TEXT   NOT NULL DEFAULT '',
    step    TEXT   NOT NULL DEFAULT '',
    members TEXT   NOT NULL,
    sent_at BIGINT NOT NULL
);
CREATE INDEX messages_of ON messages (class, sent_at);

-- A fault that was put into everybody's network, and who has repaired it.
CREATE TABLE injections (
    id          TEXT   NOT NULL PRIMARY KEY,
    class       TEXT   NOT NULL REFERENCES classes (id) ON DELETE CASCADE,
    sender      TEXT   NOT NULL,
    lab         TEXT   NOT NULL,
    fault       TEXT   NOT NULL,
    injected_at BIGINT NOT NULL
);
CREATE INDEX injections_of ON injections (class, injected_at);

CREATE TABLE injected (
    injection   TEXT   NOT NULL REFERENCES injections (id) ON DELETE CASCADE,
    member      TEXT   NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    session     TEXT   NOT NULL,
    trouble     TEXT   NOT NULL DEFAULT '',
    repaired_at BIGINT,
    PRIMARY KEY (injection, member)
);

-- The terminal of a teacher's own session that the class sees.
CREATE TABLE broadcasts (
    class    TEXT   NOT NULL PRIMARY KEY REFERENCES classes (id) ON DELETE CASCADE,
    sender   TEXT   NOT NULL,
    learner  TEXT   NOT NULL,
    session  TEXT   NOT NULL,
    terminal TEXT   NOT NULL,
    lab      TEXT   NOT NULL,
    host     TEXT   NOT NULL,
    begun_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE broadcasts;
DROP TABLE injected;
DROP TABLE injections;
DROP TABLE messages;
DROP TABLE dismissals;
DROP TABLE hands;
