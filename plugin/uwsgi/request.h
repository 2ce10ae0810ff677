/* HTTP: which endpoint, which method, what to answer. */
#ifndef AM_UWSGI_REQUEST_H
#define AM_UWSGI_REQUEST_H

#include "../base/bytes.h"
#include "../base/error.h"

struct wsgi_request;

/* Makes what each core needs, before the first fork. Once. */
enum am_code am_uwsgi_requests_start(unsigned cores, struct am_error *error);

/* uWSGI's hooks. */
int am_uwsgi_request_serve(struct wsgi_request *request);
void am_uwsgi_request_finished(struct wsgi_request *request);

/* A worker has been forked: its CPU clock starts anew. */
void am_uwsgi_requests_forked(void);

#endif
