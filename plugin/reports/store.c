/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { SCHEMA_VERSION = 1, BUSY_MILLISECONDS = 30000 };

/* STRICT: an addition that overflows becomes a real number in SQLite, which a strict column
 * refuses, so that a sum is exact or an error. */
static const char schema[] =
    "CREATE TABLE subjects(id INTEGER PRIMARY KEY, advertiser TEXT NOT NULL, campaign TEXT NOT "
    "NULL, ad TEXT NOT NULL, keyword TEXT NOT NULL, match TEXT NOT NULL,"
    " UNIQUE(ad, keyword, match, campaign, advertiser)) STRICT;"
    "CREATE TABLE hourly(hour INTEGER NOT NULL, subject INTEGER NOT NULL,"
    " decisions INTEGER NOT NULL, impressions INTEGER NOT NULL, views INTEGER NOT NULL,"
    " clicks INTEGER NOT NULL, events INTEGER NOT NULL, conversions INTEGER NOT NULL,"
    " spend INTEGER NOT NULL, value INTEGER NOT NULL, late INTEGER NOT NULL,"
    " invalid_impressions INTEGER NOT NULL, invalid_clicks INTEGER NOT NULL,"
    " unbilled INTEGER NOT NULL, PRIMARY KEY(hour, subject)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE outcomes(hour INTEGER NOT NULL, subject INTEGER NOT NULL, event TEXT NOT NULL,"
    " name TEXT NOT NULL, outcome TEXT NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY(hour, subject, event, name, outcome)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE search_terms(id INTEGER PRIMARY KEY, day INTEGER NOT NULL, term TEXT NOT NULL,"
    " subject INTEGER NOT NULL, field TEXT NOT NULL, decisions INTEGER NOT NULL DEFAULT 0,"
    " impressions INTEGER NOT NULL DEFAULT 0, clicks INTEGER NOT NULL DEFAULT 0,"
    " spend INTEGER NOT NULL DEFAULT 0, UNIQUE(day, term, subject, field)) STRICT;"
    "CREATE TABLE days(day INTEGER PRIMARY KEY, terms INTEGER NOT NULL, rows INTEGER NOT NULL)"
    " STRICT;"
    "CREATE TABLE places(segment INTEGER PRIMARY KEY, hour INTEGER NOT NULL, terms BLOB NOT NULL)"
    " STRICT;"
    "CREATE TABLE seen(id TEXT NOT NULL, name TEXT NOT NULL, hour INTEGER NOT NULL,"
    " PRIMARY KEY(id, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE positions(lane INTEGER PRIMARY KEY, decisions_file INTEGER NOT NULL,"
    " decisions_offset INTEGER NOT NULL, events_file INTEGER NOT NULL,"
    " events_offset INTEGER NOT NULL) STRICT;"
    "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), hour INTEGER NOT NULL,"
    " newest INTEGER NOT NULL, lines INTEGER NOT NULL,"
    " unreadable INTEGER NOT NULL, gone INTEGER NOT NULL) STRICT;"
    "CREATE VIEW report AS SELECT strftime('%Y-%m-%dT%H:00:00Z', hour * 3600, 'unixepoch') AS"
    " hour_utc, advertiser, campaign, ad, keyword, match, decisions, impressions, views, clicks,"
    " events, conversions, spend, value, late, invalid_impressions, invalid_clicks, unbilled"
    " FROM hourly JOIN subjects ON subjects.id = hourly.subject;"
    "PRAGMA user_version = 1;";

static const char *const texts[AM_REPORT_STATEMENTS] = {
    [AM_REPORT_BEGIN] = "BEGIN IMMEDIATE",
    [AM_REPORT_COMMIT] = "COMMIT",
    [AM_REPORT_ROLLBACK] = "ROLLBACK",
    [AM_REPORT_POSITIONS] = "SELECT lane, decisions_file, decisions_offset, events_file,"
                            " events_offset FROM positions",
    [AM_REPORT_POSITION_PUT] = "INSERT OR REPLACE INTO positions VALUES(?, ?, ?, ?, ?)",
    [AM_REPORT_STATE] = "SELECT hour, newest, lines, unreadable, gone FROM state",
    [AM_REPORT_STATE_PUT] = "INSERT OR REPLACE INTO state VALUES(1, ?, ?, ?, ?, ?)",
    [AM_REPORT_SUBJECT] = "SELECT id FROM subjects WHERE advertiser = ? AND campaign = ? AND"
                          " ad = ? AND keyword = ? AND match = ?",
    [AM_REPORT_SUBJECT_PUT] = "INSERT INTO subjects(advertiser, campaign, ad, keyword, match)"
                              " VALUES(?, ?, ?, ?, ?)",
    [AM_REPORT_HOUR_ADD] =
        "INSERT INTO hourly VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET decisions = decisions + excluded.decisions,"
        " impressions = impressions + excluded.impressions, views = views + excluded.views,"
        " clicks = clicks + excluded.clicks, events = events + excluded.events,"
        " conversions = conversions + excluded.conversions, spend = spend + excluded.spend,"
        " value = value + excluded.value, late = late + excluded.late,"
        " invalid_impressions = invalid_impressions + excluded.invalid_impressions,"
        " invalid_clicks = invalid_clicks + excluded.invalid_clicks,"
        " unbilled = unbilled + excluded.unbilled",
    [AM_REPORT_OUTCOME_ADD] = "INSERT INTO outcomes(hour, subject, count, event, name, outcome)"
                              " VALUES(?, ?, ?, ?, ?, ?)"
                              " ON CONFLICT DO UPDATE SET count = count + excluded.count",
    [AM_REPORT_SEEN_PUT] = "INSERT OR IGNORE INTO seen(hour, id, name) VALUES(?, ?, ?)",
    [AM_REPORT_TERM] = "SELECT id FROM search_terms WHERE day = ? AND subject = ? AND term = ? AND"
                       " field = ?",
    [AM_REPORT_TERM_OF] = "SELECT subject, term, field FROM search_terms WHERE id = ?",
    [AM_REPORT_TERM_PUT] = "INSERT INTO search_terms(id, day, subject, term, field)"
                           " VALUES(?, ?, ?, ?, ?)",
    [AM_REPORT_TERM_ADD] = "UPDATE search_terms SET decisions = decisions + ?2,"
                           " impressions = impressions + ?3, clicks = clicks + ?4,"
                           " spend = spend + ?5 WHERE id = ?1",
    [AM_REPORT_DAY] = "SELECT terms, rows FROM days WHERE day = ?",
    [AM_REPORT_DAY_PUT] = "INSERT OR REPLACE INTO days VALUES(?, ?, ?)",
    [AM_REPORT_PLACES] = "SELECT terms FROM places WHERE segment = ?",
    [AM_REPORT_PLACES_PUT] = "INSERT OR REPLACE INTO places VALUES(?, ?, ?)",
    [AM_REPORT_PLACES_PRUNE] = "DELETE FROM places WHERE hour < ?",
    [AM_REPORT_HOURLY_PRUNE] = "DELETE FROM hourly WHERE hour < ?",
    [AM_REPORT_OUTCOMES_PRUNE] = "DELETE FROM outcomes WHERE hour < ?",
    [AM_REPORT_TERMS_PRUNE] = "DELETE FROM search_terms WHERE day < ?",
    [AM_REPORT_DAYS_PRUNE] = "DELETE FROM days WHERE day < ?",
    [AM_REPORT_SEEN_PRUNE] = "DELETE FROM seen WHERE hour < ?",
};

/* ---- errors ---- */

static enum am_code code_of(int status) {
    switch (status & 0xFF) {
    case SQLITE_NOMEM:
        return AM_E_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return AM_E_CORRUPT;
    default:
        return AM_E_IO;
    }
}

enum am_code am_report_store_fail(const struct am_report_store *store, struct am_error *error) {
    if (!store->database)
        return am_error_set(error, AM_E_MEMORY, "no memory for the reports");
    enum am_code code = code_of(sqlite3_errcode(store->database));
    const char *advice = code == AM_E_CORRUPT
                             ? "; remove reports.sqlite*, and they are made again from the log"
                             : "";
    return am_error_set(error, code, "the reports %s: %s%s", store->path,
                        sqlite3_errmsg(store->database), advice);
}

/* ---- opening ---- */

static enum am_code
execute(const struct am_report_store *store, const char *sql, struct am_error *error) {
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK
               ? AM_OK
               : am_report_store_fail(store, error);
}

static enum am_code
read_version(const struct am_report_store *store, int *version, struct am_error *error) {
    sqlite3_stmt *statement = NULL;
    bool read = sqlite3_prepare_v2(store->database, "PRAGMA user_version", -1, &statement, NULL) ==
                    SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;
    if (read)
        *version = sqlite3_column_int(statement, 0);
    enum am_code code = read ? AM_OK : am_report_store_fail(store, error);
    sqlite3_finalize(statement);
    return code;
}

static enum am_code
check_version(const struct am_report_store *store, int version, struct am_error *error) {
    if (version == SCHEMA_VERSION)
        return AM_OK;
    return am_error_set(error, AM_E_VERSION,
                        "the reports %s are of version %d, and version %d is expected: move "
                        "reports.sqlite* away, and they are made again from the log",
                        store->path, version, SCHEMA_VERSION);
}

/* Two processes may make the tables at once, so the version is read again under the lock. */
static enum am_code make_tables(struct am_report_store *store, struct am_error *error) {
    int version = 0;
    enum am_code code = execute(store, "BEGIN IMMEDIATE", error);
    if (code == AM_OK)
        code = read_version(store, &version, error);
    if (code == AM_OK && version == 0)
        code = execute(store, schema, error);
    else if (code == AM_OK)
        code = check_version(store, version, error);
    if (code == AM_OK)
        return execute(store, "COMMIT", error);
    (void)execute(store, "ROLLBACK", NULL);
    return code;
}

static enum am_code open_file(struct am_report_store *store, int flags, struct am_error *error) {
    if (sqlite3_open_v2(store->path, &store->database, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return am_report_store_fail(store, error);
    sqlite3_extended_result_codes(store->database, 1);
    sqlite3_busy_timeout(store->database, BUSY_MILLISECONDS);
    return AM_OK;
}

static enum am_code open_to_write(struct am_report_store *store, struct am_error *error) {
    enum am_code code = open_file(store, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
    if (code == AM_OK)
        code = execute(store,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                       "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192;"
                       "PRAGMA journal_size_limit = 67108864",
                       error);
    return code == AM_OK ? make_tables(store, error) : code;
}

static enum am_code open_to_read(struct am_report_store *store, struct am_error *error) {
    int version = 0;
    if (access(store->path, F_OK) != 0 && errno == ENOENT)
        return am_error_set(error, AM_E_NOT_FOUND,
                            "there are no reports at %s yet: the server that holds the ledger "
                            "makes them, or `admatch report --update`",
                            store->path);
    enum am_code code = open_file(store, SQLITE_OPEN_READONLY, error);
    if (code == AM_OK)
        code = execute(store, "PRAGMA cache_size = -65536", error);
    if (code == AM_OK)
        code = read_version(store, &version, error);
    return code == AM_OK ? check_version(store, version, error) : code;
}

enum am_code am_report_store_open(struct am_report_store *store,
                                  const char *folder,
                                  enum am_report_mode mode,
                                  struct am_error *error) {
    *store = (struct am_report_store){.database = NULL};
    if (snprintf(store->path, sizeof store->path, "%s/reports.sqlite", folder) >=
        (int)sizeof store->path)
        return am_error_set(error, AM_E_LIMIT, "the path of the ledger is too long");
    return mode == AM_REPORT_READ ? open_to_read(store, error) : open_to_write(store, error);
}

void am_report_store_close(struct am_report_store *store) {
    for (int i = 0; i < AM_REPORT_STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->database);
    *store = (struct am_report_store){.database = NULL};
}

bool am_report_store_is_gone(const struct am_report_store *store) {
    int moved = 0;
    sqlite3_file_control(store->database, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved;
}

/* ---- statements ---- */

sqlite3_stmt *am_report_store_get(struct am_report_store *store,
                                  enum am_report_statement statement,
                                  struct am_error *error) {
    sqlite3_stmt **prepared = &store->statements[statement];
    if (!*prepared && sqlite3_prepare_v3(store->database, texts[statement], -1,
                                         SQLITE_PREPARE_PERSISTENT, prepared, NULL) != SQLITE_OK) {
        am_report_store_fail(store, error);
        return NULL;
    }
    sqlite3_reset(*prepared);
    return *prepared;
}

enum am_code am_report_store_step(struct am_report_store *store,
                                  sqlite3_stmt *statement,
                                  bool *row,
                                  struct am_error *error) {
    int status = sqlite3_step(statement);
    *row = status == SQLITE_ROW;
    if (*row)
        return AM_OK;
    enum am_code code = status == SQLITE_DONE ? AM_OK : am_report_store_fail(store, error);
    sqlite3_reset(statement);
    return code;
}

enum am_code am_report_store_run(struct am_report_store *store,
                                 enum am_report_statement statement,
                                 const int64_t *numbers,
                                 unsigned count,
                                 struct am_error *error) {
    bool row;
    sqlite3_stmt *prepared = am_report_store_get(store, statement, error);
    if (!prepared)
        return code_of(sqlite3_errcode(store->database));
    for (unsigned i = 0; i < count; i++)
        sqlite3_bind_int64(prepared, (int)i + 1, numbers[i]);
    return am_report_store_step(store, prepared, &row, error);
}

void am_report_store_bind(sqlite3_stmt *statement, int parameter, struct am_view text) {
    sqlite3_bind_text64(statement, parameter, text.size ? text.data : "", text.size, SQLITE_STATIC,
                        SQLITE_UTF8);
}
