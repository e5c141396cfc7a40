-- What learners expect before they try: it is never graded, and stays as it was first.

-- +goose Up
CREATE TABLE predictions (
    learner      TEXT   NOT NULL REFERENCES learners (id) ON DELETE CASCADE,
    lab          TEXT   NOT NULL,
    step         TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    value        TEXT   NOT NULL,
    session      TEXT   NOT NULL,
    predicted_at BIGINT NOT NULL,
    PRIMARY KEY (learner, lab, step, name)
);

-- +goose Down
DROP TABLE predictions;
