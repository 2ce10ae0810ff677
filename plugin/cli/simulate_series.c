/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate_series.h"

#include <errno.h>

#include "../base/decimal.h"

enum { NANO_PLACES = 9, CLICK_PLACES = 6 };

enum am_code
am_cli_series_open(struct am_cli_series *series, const char *path, struct am_error *error) {
    *series = (struct am_cli_series){.stream = fopen(path, "we"), .path = path};
    if (!series->stream)
        return am_error_set_errno(error, AM_E_IO, "cannot write %s", path);
    fputs("time,kind,id,unit,counted,reserved,line,limit\n", series->stream);
    return AM_OK;
}

/* In quotes, since ids may have commas. */
static void write_id(FILE *stream, struct am_view id) {
    fputc('"', stream);
    for (size_t i = 0; i < id.size; i++) {
        if (id.data[i] == '"')
            fputc('"', stream);
        fputc(id.data[i], stream);
    }
    fputc('"', stream);
}

static void write_amount(FILE *stream, enum am_ledger_unit unit, int64_t amount) {
    static const unsigned places[AM_LEDGER_UNITS] = {NANO_PLACES, 0, CLICK_PLACES};
    char text[AM_DECIMAL_TEXT_SIZE];
    size_t size = am_decimal_write(amount, places[unit], text);
    fprintf(stream, ",%.*s", (int)size, text);
}

static void
write_record(FILE *stream, const char *time, const struct am_ledger_record_state *record) {
    for (int i = 0; i < AM_LEDGER_UNITS; i++) {
        enum am_ledger_unit unit = (enum am_ledger_unit)i;
        const struct am_ledger_limit_state *limit = &record->limits[unit];
        if (!limit->limited)
            continue;
        fprintf(stream, "%s,%s,", time, am_ledger_kind_name(record->kind));
        write_id(stream, record->id);
        fprintf(stream, ",%s", am_ledger_unit_name(unit));
        write_amount(stream, unit, limit->counted);
        write_amount(stream, unit, limit->reserved + limit->expected);
        write_amount(stream, unit, limit->line);
        write_amount(stream, unit, limit->limit);
        fputc('\n', stream);
    }
}

void am_cli_series_write(void *context, const struct am_delivery_private *opened, int64_t now) {
    const struct am_cli_series *series = context;
    char time[AM_TIME_TEXT_SIZE];
    am_time_write(now, time);
    for (uint32_t cell = 0; cell < am_ledger_cells(opened->ledger); cell++) {
        struct am_ledger_record_state record;
        if (am_ledger_read(opened->ledger, cell, &record, NULL) == AM_OK)
            write_record(series->stream, time, &record);
    }
}

enum am_code am_cli_series_close(struct am_cli_series *series, struct am_error *error) {
    bool failed = ferror(series->stream);
    errno = failed ? EIO : 0;
    if (fclose(series->stream) != 0 || failed)
        return am_error_set_errno(error, AM_E_IO, "cannot write %s", series->path);
    return AM_OK;
}
