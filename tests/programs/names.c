/*
 * A client that sends no name: HOW NAME PORT [NAME]... HOW is the function of the resolver that it asks, or
 * "bio": a connect BIO, after which the last NAME is resolved. Else each further NAME is set for
 * verification, which is off. Prints what the server answers.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET / HTTP/1.0\r\n\r\n";
static struct sockaddr_in from_constructor;

static void use_host(const struct hostent *host, struct sockaddr_in *address)
{
    if (host == NULL || host->h_addrtype != AF_INET) {
        fprintf(stderr, "not found\n");
        exit(3);
    }
    address->sin_family = AF_INET;
    memcpy(&address->sin_addr, host->h_addr_list[0], sizeof address->sin_addr);
}

static void resolve(const char *how, const char *name, struct sockaddr_in *address)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct hostent buffer;
    struct hostent *host = NULL;
    char memory[4096];
    int error = 0;
    if (strcmp(how, "gethostbyname") == 0) {
        use_host(gethostbyname(name), address);
    } else if (strcmp(how, "gethostbyname2") == 0) {
        use_host(gethostbyname2(name, AF_INET), address);
    } else if (strcmp(how, "gethostbyname_r") == 0) {
        gethostbyname_r(name, &buffer, memory, sizeof memory, &host, &error);
        use_host(host, address);
    } else if (strcmp(how, "gethostbyname2_r") == 0) {
        gethostbyname2_r(name, AF_INET, &buffer, memory, sizeof memory, &host, &error);
        use_host(host, address);
    } else if (getaddrinfo(name, NULL, &hints, &list) == 0) {
        memcpy(address, list->ai_addr, sizeof *address);
        freeaddrinfo(list);
    }
}

/* Of the executable itself, and before any constructor of a library. */
static void early(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "constructor") == 0)
        resolve("getaddrinfo", argv[2], &from_constructor);
}
__attribute__((section(".preinit_array"), used)) static void (*const at_start)(int, char **) = early;

static SSL *connect_plainly(SSL_CTX *context, const char *how, const char *name, const char *port,
                            char *const *verified)
{
    struct sockaddr_in address = from_constructor;
    int plain = socket(AF_INET, SOCK_STREAM, 0);
    SSL *ssl = SSL_new(context);
    if (address.sin_family == 0)
        resolve(how, name, &address);
    address.sin_port = htons((unsigned short)strtol(port, NULL, 10));
    if (ssl == NULL || connect(plain, (struct sockaddr *)&address, sizeof address) != 0)
        return NULL;
    for (; *verified != NULL; verified++)
        SSL_add1_host(ssl, *verified);
    SSL_set_fd(ssl, plain);
    return SSL_connect(ssl) == 1 ? ssl : NULL;
}

static SSL *connect_by_bio(SSL_CTX *context, const char *name, const char *port, const char *after)
{
    struct sockaddr_in address;
    char target[256];
    SSL *ssl = NULL;
    BIO *bio = BIO_new_ssl_connect(context);
    snprintf(target, sizeof target, "%s:%s", name, port);
    BIO_set_conn_hostname(bio, target);
    BIO_get_ssl(bio, &ssl);
    resolve("getaddrinfo", after, &address);
    return BIO_do_handshake(bio) == 1 ? ssl : NULL;
}

int main(int argc, char **argv)
{
    char answer[512];
    if (argc < 4)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = argc > 4 && strcmp(argv[1], "bio") == 0
                   ? connect_by_bio(context, argv[2], argv[3], argv[4])
                   : connect_plainly(context, argv[1], argv[2], argv[3], argv + 4);
    if (ssl == NULL) {
        ERR_print_errors_fp(stdout);
        return 1;
    }
    SSL_write(ssl, request, (int)strlen(request));
    for (int length = 0; (length = SSL_read(ssl, answer, sizeof answer)) > 0;)
        fwrite(answer, 1, (size_t)length, stdout);
    return 0;
}
