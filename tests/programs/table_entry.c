/*
 * Preloaded in the place of tlsgraft: by which function of OpenSSL 3 a program's handshakes as a client
 * begin, and what it has put under the connection. A line for each, `FUNCTION<TAB>BIO`, is added to the file
 * TABLE_ENTRY.
 *
 * Nothing is changed: each function is passed on to the one that libssl or libcrypto has.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct ssl_st SSL;
typedef struct bio_st BIO;

enum { BIO_HANDSHAKE = 101 }; /* BIO_C_DO_STATE_MACHINE: what BIO_do_connect and BIO_do_handshake call */

static char path[256];
static _Thread_local const char *outermost; /* the function that the program called */

/* Before main: a daemon's worker has neither this environment nor, maybe, this root. */
__attribute__((constructor)) static void start(void)
{
    const char *wish = getenv("TABLE_ENTRY");
    if (wish != NULL && strlen(wish) < sizeof path)
        memcpy(path, wish, strlen(wish) + 1);
}

/* dlopen finds it loaded, also where that was done with RTLD_LOCAL. */
static void *function(const char *library, const char *name)
{
    void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
    void *found = handle == NULL ? NULL : dlsym(handle, name);
    if (found == NULL) {
        fprintf(stderr, "table_entry: %s: not found in %s\n", name, library);
        abort();
    }
    dlclose(handle);
    return found;
}

#define SSL_FUNCTION(type, name, parameters)                                                                 \
    type(*name) parameters = (type(*) parameters)function("libssl.so.3", #name)
#define CRYPTO_FUNCTION(type, name, parameters)                                                              \
    type(*name) parameters = (type(*) parameters)function("libcrypto.so.3", #name)

/* By the method's name: programs give those of their own any type, curl that of a memory BIO. */
static const char *kind_of(const SSL *ssl)
{
    static const char *const kinds[][2] = {
        {"socket", "socket"},
        {"socket connect", "connect BIO"},
        {"memory buffer", "memory BIO"},
        {"BIO pair", "BIO pair"},
    };
    SSL_FUNCTION(BIO *, SSL_get_wbio, (const SSL *));
    CRYPTO_FUNCTION(const char *, BIO_method_name, (const BIO *));
    const BIO *bio = SSL_get_wbio(ssl);
    if (bio == NULL)
        return "no BIO";
    const char *name = BIO_method_name(bio);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i][0]) == 0)
            return kinds[i][1];
    return "BIO of its own";
}

static void note(const SSL *ssl)
{
    SSL_FUNCTION(int, SSL_in_before, (const SSL *));
    SSL_FUNCTION(int, SSL_is_server, (const SSL *));
    char line[128];
    /* An SSL is a server's until something says otherwise, which SSL_connect does. */
    if (!SSL_in_before(ssl) || (SSL_is_server(ssl) && strcmp(outermost, "SSL_connect") != 0))
        return;
    int size = snprintf(line, sizeof line, "%s\t%s\n", outermost, kind_of(ssl));
    int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0 || write(file, line, (size_t)size) != size) {
        perror("table_entry: TABLE_ENTRY");
        abort();
    }
    close(file);
}

static const char *enter(const char *name, const SSL *ssl)
{
    const char *before = outermost;
    if (before == NULL)
        outermost = name;
    if (ssl != NULL)
        note(ssl);
    return before;
}

#define DRIVES(type, name, parameters, arguments)                                                            \
    type name parameters;                                                                                    \
    type name parameters                                                                                     \
    {                                                                                                        \
        type(*real) parameters = (type(*) parameters)function("libssl.so.3", #name);                         \
        const char *before = enter(#name, ssl);                                                              \
        type result = real arguments;                                                                        \
        outermost = before;                                                                                  \
        return result;                                                                                       \
    }

DRIVES(int, SSL_connect, (SSL * ssl), (ssl))
DRIVES(int, SSL_do_handshake, (SSL * ssl), (ssl))
DRIVES(int, SSL_read, (SSL * ssl, void *to, int size), (ssl, to, size))
DRIVES(int, SSL_read_ex, (SSL * ssl, void *to, size_t size, size_t *done), (ssl, to, size, done))
DRIVES(int, SSL_peek, (SSL * ssl, void *to, int size), (ssl, to, size))
DRIVES(int, SSL_peek_ex, (SSL * ssl, void *to, size_t size, size_t *done), (ssl, to, size, done))
DRIVES(int, SSL_write, (SSL * ssl, const void *from, int size), (ssl, from, size))
DRIVES(int, SSL_write_ex, (SSL * ssl, const void *from, size_t size, size_t *done), (ssl, from, size, done))

long BIO_ctrl(BIO *bio, int command, long number, void *pointer);
long BIO_ctrl(BIO *bio, int command, long number, void *pointer)
{
    long (*real)(BIO *, int, long, void *) =
        (long (*)(BIO *, int, long, void *))function("libcrypto.so.3", "BIO_ctrl");
    const char *before = outermost;
    if (command == BIO_HANDSHAKE)
        enter("BIO_do_handshake", NULL);
    long result = real(bio, command, number, pointer);
    outermost = before;
    return result;
}
