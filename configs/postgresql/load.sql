-- SPDX-License-Identifier: Apache-2.0
-- Loads lines of `admatch log` from standard input; load.sh runs it. A line that is there already
-- is passed over, so loading twice is loading once.

\set ON_ERROR_STOP on
BEGIN;
CREATE TEMPORARY TABLE incoming (line text NOT NULL) ON COMMIT DROP;
-- A format that finds nothing special in JSON on one line: control characters are escaped there.
\copy incoming FROM pstdin WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
-- PostgreSQL has no U+0000 in texts: U+FFFD stands for it.
UPDATE incoming
SET line = regexp_replace(line, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')
WHERE line LIKE '%\\u0000%';
INSERT INTO admatch.lines (ledger, n, t, e, line)
SELECT :'ledger', value->>'n', (value->>'t')::timestamptz, value->>'e', value
FROM (SELECT line::jsonb AS value FROM incoming) AS parsed
WHERE value->>'e' NOT IN ('counters', 'cell')
ON CONFLICT (ledger, n) DO NOTHING;
COMMIT;
