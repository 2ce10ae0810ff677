-- SPDX-License-Identifier: Apache-2.0
-- The event log of admatch in PostgreSQL 13 or newer. Once: psql -f tables.sql
--
-- One table has the lines as they are, once each by (ledger, n); views give their members types.
-- docs/LOG.md describes the members.

BEGIN;
CREATE SCHEMA admatch;

CREATE TABLE admatch.lines (
    ledger text NOT NULL, -- the name that load.sh was given: several hosts may share the table
    n text NOT NULL,      -- file and offset
    t timestamptz NOT NULL,
    e text NOT NULL,
    line jsonb NOT NULL,
    PRIMARY KEY (ledger, n)
);
CREATE INDEX lines_by_time ON admatch.lines (ledger, t);

-- Impressions, clicks, views, custom events, conversions and bills, whether they count or not.
CREATE VIEW admatch.events AS
SELECT ledger, t, e AS event, line->>'id' AS id, line->>'ad' AS ad, line->>'campaign' AS campaign,
    line->>'advertiser' AS advertiser, line->>'keyword' AS keyword, line->>'match' AS match,
    (line->>'spend')::numeric AS spend, (line->>'value')::numeric AS value, line->>'name' AS name,
    coalesce((line->>'billable')::boolean, false) AS counted, line->>'reason' AS reason,
    coalesce((line->>'late')::boolean, false) AS late, n
FROM admatch.lines
WHERE e IN ('impression', 'click', 'view', 'event', 'conversion', 'win', 'bill', 'loss');

-- The ads of decisions, with what was asked.
CREATE VIEW admatch.placements AS
SELECT ledger, t, ad->>'id' AS id, line->>'request' AS request, line->>'query' AS query,
    ad->>'slot' AS slot, (ad->>'position')::integer AS position, ad->>'ad' AS ad,
    ad->>'campaign' AS campaign, ad->>'advertiser' AS advertiser, ad->>'keyword' AS keyword,
    ad->>'match' AS match, ad->>'field' AS field, (ad->>'price')::numeric AS price,
    ad->>'pricing' AS pricing, n
FROM admatch.lines CROSS JOIN LATERAL jsonb_array_elements(line->'ads') AS ad
WHERE e = 'decision';

-- What changes the counters: events that are billed, and adjustments.
CREATE VIEW admatch.amounts AS
SELECT ledger, t, line->>'advertiser' AS advertiser, line->>'campaign' AS campaign,
    line->>'ad' AS ad, line->>'keyword' AS keyword, line->>'match' AS match,
    coalesce((line->>'spend')::numeric, 0) AS spend,
    CASE WHEN e IN ('impression', 'bill') THEN 1
        WHEN e = 'control' THEN coalesce((line->>'impressions')::bigint, 0) ELSE 0
    END AS impressions,
    CASE WHEN e = 'click' THEN 1
        WHEN e = 'control' THEN coalesce((line->>'clicks')::bigint, 0) ELSE 0
    END AS clicks, n
FROM admatch.lines
WHERE (e IN ('impression', 'click', 'bill') AND line->'billable' = 'true'::jsonb)
    OR (e = 'control' AND line->>'change' = 'adjust');

-- As `admatch report --by hour,advertiser,campaign,ad,keyword,match` has it.
CREATE VIEW admatch.hourly AS
SELECT ledger, date_trunc('hour', t, 'UTC') AS hour, advertiser, campaign, ad, keyword, match,
    sum(impressions) AS impressions, sum(clicks) AS clicks, sum(spend) AS spend
FROM admatch.amounts
GROUP BY 1, 2, 3, 4, 5, 6, 7;
COMMIT;
