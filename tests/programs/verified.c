/*
 * A client that sends a name, and has it and an address verified; but verification is off. socket|memory NAME
 * ADDRESS PORT: it connects to ADDRESS without the resolver. memory: it moves the bytes itself. Prints what
 * the server answers first.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET / HTTP/1.0\r\n\r\n";

static int dial(const char *address, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((unsigned short)strtoul(port, NULL, 10))};
    int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
        connect(plain, (struct sockaddr *)&to, sizeof to) != 0) {
        perror(address);
        exit(3);
    }
    return plain;
}

static SSL *new_connection(const char *name, const char *address)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_tlsext_host_name(ssl, name);
    SSL_set1_host(ssl, name);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address);
    SSL_set_connect_state(ssl);
    return ssl;
}

/* Between the memory BIOs and the socket; 0: that was the end. */
static int move(SSL *ssl, int plain, int result)
{
    char bytes[4096];
    int error = SSL_get_error(ssl, result);
    for (int got = 0; (got = BIO_read(SSL_get_wbio(ssl), bytes, sizeof bytes)) > 0;) {
        if (write(plain, bytes, (size_t)got) != got)
            return 0;
    }
    if (error != SSL_ERROR_WANT_READ)
        return 0;
    ssize_t got = read(plain, bytes, sizeof bytes);
    return got > 0 && BIO_write(SSL_get_rbio(ssl), bytes, (int)got) == got;
}

static int converse(SSL *ssl, int plain, int memory)
{
    char answer[512];
    int result = 0;
    do
        result = SSL_do_handshake(ssl);
    while (memory && move(ssl, plain, result));
    if (result != 1)
        return 1;
    do
        result = SSL_write(ssl, request, (int)strlen(request));
    while (memory && move(ssl, plain, result));
    do
        result = SSL_read(ssl, answer, sizeof answer);
    while (memory && move(ssl, plain, result));
    (void)fwrite(answer, 1, result > 0 ? (size_t)result : 0, stdout);
    return result <= 0;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    int memory = strcmp(argv[1], "memory") == 0;
    SSL *ssl = new_connection(argv[2], argv[3]);
    int plain = dial(argv[3], argv[4]);
    if (memory)
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    else
        SSL_set_fd(ssl, plain);
    int status = converse(ssl, plain, memory);
    ERR_print_errors_fp(stdout);
    SSL_free(ssl);
    close(plain);
    return status;
}
