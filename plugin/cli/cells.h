/* SPDX-License-Identifier: Apache-2.0 */
/* What people write into the cells of a table of ads: amounts, days, states, keywords. */
#ifndef AM_CLI_CELLS_H
#define AM_CLI_CELLS_H

#include "../base/bytes.h"

/* Whether the cell is the word, begins with it, or holds it, without regard to ASCII case. */
bool am_cli_cell_is(struct am_view cell, const char *word);
bool am_cli_cell_begins(struct am_view cell, const char *word);
bool am_cli_cell_holds(struct am_view cell, const char *word);

/* The next item of a list separated by commas, semicolons, bars or lines, without white space
 * around it; moves `rest` behind it. Separators between quotes or brackets are part of the item. */
struct am_view am_cli_cell_item(struct am_view *rest);

enum am_cli_reading {
    AM_CELL_READ,
    AM_CELL_AMBIGUOUS, /* two readings are as likely */
    AM_CELL_UNREADABLE,
};

enum { AM_CURRENCY_SIZE = 3 };

/* None: both members are empty. */
struct am_cli_currency {
    char code[AM_CURRENCY_SIZE + 1]; /* of ISO 4217 */
    const char *among; /* where the code is empty: the codes that share the sign, as "JPY CNY" */
};

/* By a code in any case, a sign or a name: "EUR", "usd", "€", "Euro". False: not understood. */
bool am_cli_cell_currency(struct am_view cell, struct am_cli_currency *currency);
/* Whether it is that currency, one of several of which that is one, or none. */
bool am_cli_currency_may_be(const struct am_cli_currency *currency, const char *code);

struct am_cli_money {
    int64_t micros; /* 0 to AM_MONEY_MAX */
    struct am_cli_currency currency;
};

/* "1.20", "1,20 €", "USD 1,234.50", "1’234.50", "1.234,56". Thousands are one to three digits and
 * then groups of three, with one kind of separator. A lone separator before exactly three digits
 * may be of thousands: "1,234" is ambiguous, and so is "1.234" where `comma` says that the table
 * writes decimals with commas. */
enum am_cli_reading am_cli_cell_money(struct am_view cell, bool comma, struct am_cli_money *money);

enum { AM_CELL_TIME_SIZE = 32 };

/* A day: "2026-11-30", "2026/11/30", "20261130", "30.11.2026", "11/30/2026". Writes, in RFC 3339,
 * when it begins, or with `last` when it is over; days are those of UTC. "03/04/2026" is ambiguous.
 * A time of RFC 3339 is that time, with `last` too. */
enum am_cli_reading am_cli_cell_day(struct am_view cell, bool last, char time[AM_CELL_TIME_SIZE]);

enum am_cli_status { AM_STATUS_ACTIVE, AM_STATUS_PAUSED, AM_STATUS_REMOVED };

/* False, and paused: not a state that is known. */
bool am_cli_cell_status(struct am_view cell, enum am_cli_status *status);

/* A keyword in notation. */
struct am_cli_notation {
    struct am_view text; /* without the notation */
    bool negative;
    char match;       /* '"' phrase, '[' exact, '+' words that each had a plus, 0 none */
    bool typographic; /* written with a dash or quotes that a word processor put there */
};

/* -kids, "trail shoes", [trail shoes], +trail +shoes, and each with the dashes and quotes of
 * typography. A plus is left in the text: see am_cli_cell_without_pluses. */
struct am_cli_notation am_cli_cell_notation(struct am_view cell);
/* Writes the text of '+' without them to `memory`, of text.size bytes. */
struct am_view am_cli_cell_without_pluses(struct am_view text, char *memory);

/* Writes a text with what "{KeyWord:Shoes}" and the like show by default, "Shoes", to `memory`, of
 * text.size bytes. The text itself where it has none. */
struct am_view am_cli_cell_without_insertion(struct am_view text, char *memory);

#endif
