/*
 * A plugin that is linked with OpenSSL. LAB_EARLY tells what its constructor makes already, before the host
 * could ask for any of its functions: "context", or "connection". LAB_RESUME is the name for its first
 * connection; the others resume that one's session.
 */
#include "deep.h"
#include "linked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern lab_deep_run lab_plugin_run;

void *SSL_get1_session(void *ssl);
int SSL_set_session(void *ssl, void *session);
int SSL_session_reused(const void *ssl);

static void *early_context;
static void *early_ssl;

__attribute__((constructor)) static void start(void)
{
    const char *early = getenv("LAB_EARLY");
    if (early == NULL) {
        return;
    }
    early_context = SSL_CTX_new(TLS_client_method());
    if (strcmp(early, "connection") == 0) {
        early_ssl = SSL_new(early_context);
    }
}

static void *take(void **early)
{
    void *taken = *early;
    *early = NULL;
    return taken;
}

static void *new_context(const void *method)
{
    return early_context == NULL ? SSL_CTX_new(method) : take(&early_context);
}

static void *new_ssl(void *context)
{
    return early_ssl == NULL ? SSL_new(context) : take(&early_ssl);
}

/* What follows serves LAB_RESUME: in the place of the functions of these names. */
static void *saved;

static long set_name(void *ssl, int command, long number, void *name)
{
    if (saved != NULL) {
        (void)SSL_set_session(ssl, saved);
        return SSL_ctrl(ssl, command, number, name);
    }
    return SSL_ctrl(ssl, command, number, getenv("LAB_RESUME"));
}

/* At the end of a connection, when the server has sent its ticket. */
static int save_session(void *ssl)
{
    if (saved == NULL) {
        saved = SSL_get1_session(ssl);
    } else {
        printf("reused %d\n", SSL_session_reused(ssl));
    }
    return SSL_shutdown(ssl);
}

__attribute__((visibility("default"))) int lab_plugin_run(const struct lab_options *options)
{
    struct lab_api api = lab_linked;
    api.SSL_CTX_new = new_context;
    api.SSL_new = new_ssl;
    if (getenv("LAB_RESUME") != NULL) {
        api.SSL_ctrl = set_name;
        api.SSL_shutdown = save_session;
    }
    return lab_run(&api, options);
}
