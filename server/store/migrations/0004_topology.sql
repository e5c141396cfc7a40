-- The topology of a session whose network its learner wrote, as text; empty
-- where the lab has it.

-- +goose Up
ALTER TABLE sessions ADD COLUMN topology TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN topology;
