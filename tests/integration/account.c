/* SPDX-License-Identifier: Apache-2.0 */
/* account FOLDER: makes a ledger FOLDER/ledger, with its live file under FOLDER/tmpfs, fires some
 * events, and leaves all of it: for tests of commands that look at ledgers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/events/counters.h"
#include "../unit/account.h"

static void fire_some(struct account *account) {
    for (unsigned i = 0; i < 30; i++) {
        struct placed placed = place_ad(account->worker, i % 3, UNIT / 4, AM_PRICING_CPM);
        fire(account, account->worker, AM_JOURNAL_IMPRESSION, &placed);
        fire(account, account->worker, AM_JOURNAL_IMPRESSION, &placed);
        if (i % 5 == 0)
            fire(account, account->worker, AM_JOURNAL_CLICK, &placed);
    }
}

int main(int count, char **arguments) {
    struct account account;
    struct am_ledger_counts counts;
    struct am_error error;
    if (count != 2)
        return 2;
    start_account_in(&account, arguments[1]);
    fire_some(&account);
    check(am_ledger_counts_take(account.ledger, &counts, &error), &error);
    if (!am_event_log_counters(account.worker, &counts, NULL))
        return 1;
    am_ledger_counts_free(&counts);
    fire_some(&account);
    leave_account(&account);
    am_timezones_free(account.zones);
    return 0;
}
