/*
 * Clients of several names on one context and many threads, and a server that asks all of them for a
 * certificate: it writes down who came, a line for each handshake.
 */
#include "hosts.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS   32
#define PATH_SIZE 512
/* pair.c makes clients of as many kinds, by the number. */
#define KINDS 8

static const char *const names[] = {"one.lab.example", "two.lab.example", "none.lab.example",
                                    "three.lab.example"};

/* Another one each time, and in the end each kind of client for each name. */
static const char *name_of(unsigned number)
{
    return names[(number + number / KINDS) % (sizeof names / sizeof *names)];
}

static void write_down(const SSL *server)
{
    char subject[256] = "nobody";
    X509 *certificate = SSL_get1_peer_certificate(server);
    if (certificate != NULL)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, subject,
                                  sizeof subject);
    printf("%s: %s\n", SSL_get_servername(server, TLSEXT_NAMETYPE_host_name), subject);
    X509_free(certificate);
}

/* The CA's name is sent, and clients without a certificate are served too. */
static void ask_for_certificates(SSL_CTX *server, const char *folder)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/ca.pem", folder);
    if (SSL_CTX_load_verify_locations(server, path, NULL) != 1) {
        ERR_print_errors_fp(stderr);
        exit(2);
    }
    SSL_CTX_set_client_CA_list(server, SSL_load_client_CA_file(path));
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL);
}

unsigned host_clients(struct host *host)
{
    ask_for_certificates(host->world.servers[0], host->folder);
    ask_for_certificates(host->world.servers[1], host->folder);
    host->world.name = name_of;
    host->world.met = write_down;
    return host_in_threads(host, THREADS, 0, NULL);
}
