/* One request and its answer, from the parsed head to the access log; one for each core. */
#ifndef AM_UWSGI_EXCHANGE_H
#define AM_UWSGI_EXCHANGE_H

#include "body.h"
#include "generation.h"
#include "metrics.h"
#include "respond.h"

struct am_uwsgi_exchange {
    struct wsgi_request *request;       /* NULL between requests */
    struct am_generation_context *seat; /* pinned while the answer is made and written */
    struct am_metrics_counters *row;
    enum am_metrics_endpoint endpoint;
    struct am_uwsgi_body body;
};

/* What each endpoint does: fills the answer. decide.c */
void am_uwsgi_decide_answer(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer);
void am_uwsgi_openrtb_answer(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer);
/* preview.c */
void am_uwsgi_preview_answer(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer);

/* "application/json; charset=utf-8" is "application/json". decide.c */
bool am_uwsgi_media_type_is(struct am_view given, const char *type);

/* An answer {"error":...}, of that status. */
void am_uwsgi_error_answer(struct am_uwsgi_exchange *exchange,
                           unsigned status,
                           const char *reason,
                           struct am_uwsgi_answer *answer);

/* Whether log-format names a variable of ours, so that they are worth their while. Set by
 * am_uwsgi_log_variables_start. */
extern bool am_uwsgi_log_variables_wanted;
void am_uwsgi_log_variables_start(void);

/* Adds admatch.ad, admatch.generation, ... for log-format. log_variables.c */
void am_uwsgi_log_variables_add(struct am_uwsgi_exchange *exchange,
                                const struct am_match_decision *decision,
                                uint64_t nanoseconds);

#endif
