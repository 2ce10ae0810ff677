/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for ads, swaps the inventory while a session is in use, and asks again.
 *
 *     cc decide.c $(pkg-config --cflags --libs admatch) -o decide
 *     ./decide INVENTORY NEWER_INVENTORY */
#include <admatch.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what, const admatch_error *error) {
    fprintf(stderr, "%s: %s\n", what, error->message);
    return 1;
}

static void ask(admatch_session *session, const char *query) {
    admatch_response response;
    admatch_decide(session, ADMATCH_QUERY, query, strlen(query), -1, &response);
    printf("%u %.*s\n", (unsigned)response.status, (int)response.size, response.body);
}

int main(int argc, char **argv) {
    admatch_inventory *inventory, *newer;
    admatch_session *session;
    admatch_error error;
    if (argc != 3) {
        fprintf(stderr, "usage: %s INVENTORY NEWER_INVENTORY\n", argv[0]);
        return 2;
    }
    if (admatch_abi() != ADMATCH_ABI) {
        fprintf(stderr, "built for another libadmatch than %s\n", admatch_version());
        return 1;
    }
    if (admatch_open(argv[1], 0, &inventory, &error) != ADMATCH_OK)
        return fail("cannot open the inventory", &error);
    fputs(admatch_problems(inventory), stderr);
    if (admatch_session_new(inventory, 0, 0, 0, &session, &error) != ADMATCH_OK)
        return fail("cannot make a session", &error);
    ask(session, "query=trail+running+shoes");

    /* A newer inventory: opened beside the old one, which goes when nobody uses it any more. */
    if (admatch_open(argv[2], 0, &newer, &error) != ADMATCH_OK)
        return fail("the old inventory goes on; cannot open the newer one", &error);
    if (admatch_session_move(session, newer, &error) != ADMATCH_OK)
        return fail("the old inventory goes on; cannot move", &error);
    admatch_close(inventory);
    ask(session, "query=trail+running+shoes");

    admatch_session_free(session);
    admatch_close(newer);
    return 0;
}
