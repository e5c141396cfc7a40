-- Who teaches, what classes there are, and who is in them. As in 0001: only what
-- SQLite and PostgreSQL both understand.

-- +goose Up
CREATE TABLE staff (
    id         TEXT   NOT NULL PRIMARY KEY,
    login      TEXT   NOT NULL UNIQUE,
    name       TEXT   NOT NULL,
    role       TEXT   NOT NULL CHECK (role IN ('owner', 'teacher', 'assistant')),
    password   TEXT   NOT NULL DEFAULT '',
    subject    TEXT   NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL
);
CREATE INDEX staff_subject ON staff (subject) WHERE subject <> '';

-- Links that set a password, once. Only what they hash to is kept.
CREATE TABLE staff_links (
    hash       TEXT   NOT NULL PRIMARY KEY,
    staff      TEXT   NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);

CREATE TABLE staff_sessions (
    id         TEXT   NOT NULL PRIMARY KEY,
    staff      TEXT   NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX staff_sessions_of ON staff_sessions (staff);

-- labs is a JSON array of their names, in the class's order.
CREATE TABLE classes (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    code        TEXT   NOT NULL UNIQUE,
    state       TEXT   NOT NULL CHECK (state IN ('open', 'paused', 'ended')),
    language    TEXT   NOT NULL DEFAULT '',
    labs        TEXT   NOT NULL,
    starts_on   TEXT   NOT NULL DEFAULT '',
    ends_on     TEXT   NOT NULL DEFAULT '',
    recording   BIGINT NOT NULL DEFAULT 0,
    roster_only BIGINT NOT NULL DEFAULT 0,
    retain_days BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    ended_at    BIGINT
);

CREATE TABLE class_staff (
    class TEXT NOT NULL REFERENCES classes (id) ON DELETE CASCADE,
    staff TEXT NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
    role  TEXT NOT NULL CHECK (role IN ('teacher', 'assistant')),
    PRIMARY KEY (class, staff)
);
CREATE INDEX class_staff_of ON class_staff (staff);

-- A member without a learner stands on the roster and has not come yet. The
-- code is the learner's own: it opens the place from another device.
CREATE TABLE members (
    id         TEXT   NOT NULL PRIMARY KEY,
    class      TEXT   NOT NULL REFERENCES classes (id) ON DELETE CASCADE,
    name       TEXT   NOT NULL,
    external   TEXT   NOT NULL DEFAULT '',
    code       TEXT   NOT NULL UNIQUE,
    learner    TEXT   REFERENCES learners (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    joined_at  BIGINT
);
CREATE UNIQUE INDEX members_once ON members (class, learner);
CREATE INDEX members_of_learner ON members (learner);

-- +goose Down
DROP TABLE members;
DROP TABLE class_staff;
DROP TABLE classes;
DROP TABLE staff_sessions;
DROP TABLE staff_links;
DROP TABLE staff;
