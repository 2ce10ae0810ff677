/* Answers, on any of uWSGI's protocols. */
#ifndef AM_UWSGI_RESPOND_H
#define AM_UWSGI_RESPOND_H

#include "../base/bytes.h"

struct wsgi_request;

struct am_uwsgi_header {
    const char *name, *value;
};

struct am_uwsgi_answer {
    unsigned status;
    const char *type;       /* Content-Type */
    struct am_view body;    /* with 204: none, and then no type and no length either */
    const char *generation; /* NULL: none */
    const char *allow;      /* with 405: the methods; else NULL */
    const struct am_uwsgi_header *headers; /* more of them, ended by one without a name; or NULL */
    bool close;                            /* say that the connection will be closed */
};

/* Writes head and body; for HEAD, only the head. False: the client is gone. */
bool am_uwsgi_respond(struct wsgi_request *request, const struct am_uwsgi_answer *answer);

/* Whether the request's method is that one. */
bool am_uwsgi_method_is(const struct wsgi_request *request, const char *method);

#endif
