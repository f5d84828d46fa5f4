/*
 * One of two plugins, each linked with a libssl of its own line; CONNECT is the name of its function. VERIFY:
 * the name is not sent, but set for verification.
 * OpenSSL's functions are declared here, because one source is for two releases of its headers.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef void info_callback(const SSL *ssl, int where, int answer);

const void *TLS_client_method(void);
SSL_CTX *SSL_CTX_new(const void *method);
void SSL_CTX_free(SSL_CTX *context);
SSL *SSL_new(SSL_CTX *context);
void SSL_free(SSL *ssl);
int SSL_set_fd(SSL *ssl, int plain);
long SSL_ctrl(SSL *ssl, int command, long number, void *argument);
int SSL_set1_host(SSL *ssl, const char *name);
int SSL_connect(SSL *ssl);
int SSL_write(SSL *ssl, const void *data, int length);
int SSL_read(SSL *ssl, void *data, int length);
void SSL_set_info_callback(SSL *ssl, info_callback *callback);
info_callback *SSL_get_info_callback(const SSL *ssl);
unsigned long OpenSSL_version_num(void);
void ERR_clear_error(void);

#define SET_TLSEXT_HOSTNAME 55

static _Thread_local int notices;

static void count(const SSL *ssl, int where, int answer)
{
    (void)ssl;
    (void)where;
    (void)answer;
    notices++;
}

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int plain = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(plain, (struct sockaddr *)&address, sizeof address) == 0)
        return plain;
    close(plain);
    return -1;
}

int CONNECT(int port, const char *name, int quiet);

/* What SSL_connect answered; -2: nobody listens. -3: the program's info callback was lost. */
int CONNECT(int port, const char *name, int quiet)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    int plain = dial(port);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    if (plain < 0)
        return -2;
    notices = 0;
    SSL_set_info_callback(ssl, count);
    SSL_set_fd(ssl, plain);
#ifdef VERIFY
    SSL_set1_host(ssl, name);
#else
    SSL_ctrl(ssl, SET_TLSEXT_HOSTNAME, 0, (void *)(unsigned long)name);
#endif
    int made = SSL_connect(ssl);
    int sent = made == 1 ? SSL_write(ssl, request, (int)strlen(request)) : 0;
    int seen = SSL_get_info_callback(ssl) == count && notices > 0;
    if (!quiet)
        printf("%lx %s %d %s\n", OpenSSL_version_num() >> 20, name, made, seen ? "seen" : "lost");
    /* To the server's goodbye, so that the request is not lost with a reset. */
    char answer[256];
    while (sent > 0 && SSL_read(ssl, answer, sizeof answer) > 0)
        ;
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(plain);
    return seen ? made : -3;
}
