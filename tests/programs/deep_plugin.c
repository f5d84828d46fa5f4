/*
 * A plugin that is linked with OpenSSL. LAB_EARLY tells what its constructor makes already, before the host
 * could ask for any of its functions: "context", or "connection".
 */
#include "deep.h"
#include "linked.h"

#include <stdlib.h>
#include <string.h>

extern lab_deep_run lab_plugin_run;

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

__attribute__((visibility("default"))) int lab_plugin_run(const struct lab_options *options)
{
    struct lab_api api = lab_linked;
    api.SSL_CTX_new = new_context;
    api.SSL_new = new_ssl;
    return lab_run(&api, options);
}
