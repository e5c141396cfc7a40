-- Terminals that were recorded. The recordings themselves are files.

-- +goose Up
CREATE TABLE recordings (
    id         TEXT   NOT NULL PRIMARY KEY,
    class      TEXT   NOT NULL REFERENCES classes (id) ON DELETE CASCADE,
    member     TEXT   NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    session    TEXT   NOT NULL,
    lab        TEXT   NOT NULL,
    host       TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT,
    bytes      BIGINT NOT NULL DEFAULT 0,
    truncated  BIGINT NOT NULL DEFAULT 0,
    marks      TEXT   NOT NULL DEFAULT '[]'
);
CREATE INDEX recordings_of ON recordings (class, started_at);

-- +goose Down
DROP TABLE recordings;
