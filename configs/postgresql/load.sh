#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Loads the event log of a ledger into PostgreSQL: what is new since the last time. Run it as often
# as you like, from cron or a timer, as a user who may read the ledger; two at once are fine.
#
#     load.sh LEDGER NAME [options of psql, such as -d reports]
#
# NAME tells the logs of several hosts apart. PGHOST, PGUSER and so on mean what they always mean;
# ADMATCH is the command (admatch). Each run reads ten minutes before the newest line again, since
# lines of an event that a killed process left come later than their time.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: load.sh LEDGER NAME [options of psql]" >&2
    exit 2
fi
ledger=$1
name=$2
shift 2
since=$(psql -X -q -A -t -v ON_ERROR_STOP=1 -v ledger="$name" "$@" <<'SQL'
SELECT to_char((max(t) - interval '10 minutes') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM admatch.lines WHERE ledger = :'ledger';
SQL
)
"${ADMATCH:-admatch}" log ${since:+--since "$since"} "$ledger" |
    psql -X -q -v ledger="$name" "$@" -f "$(dirname "$0")/load.sql"
