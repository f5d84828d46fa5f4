/* lab_peer KIND [OPTION...]: see peer.h. Prints what the client did, and then what the server saw. */
#include "peer.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A macro of openssl/bio.h. */
#define BIO_SET_CONNECTED 32

struct peer_api ossl;

static int print_error(const char *text, size_t length, void *context)
{
    (void)context;
    printf("error %.*s", (int)length, text);
    return 1;
}

void peer_print_errors(void)
{
    ossl.ERR_print_errors_cb(print_error, NULL);
}

void peer_fail(const char *what)
{
    printf("failed %s\n", what);
    if (ossl.ERR_print_errors_cb != NULL)
        peer_print_errors();
    fflush(stdout);
    _exit(3);
}

void *peer_new_bio(const struct peer_options *options, int plain)
{
    union {
        struct sockaddr_in in;
        struct sockaddr_storage storage;
    } peer;
    socklen_t size = sizeof peer;
    if ((options->kind->traits & KIND_DATAGRAMS) == 0)
        return ossl.BIO_new_socket(plain, 0);
    void *bio = ossl.BIO_new_dgram(plain, 0);
    if (bio == NULL || getpeername(plain, (struct sockaddr *)&peer, &size) != 0)
        peer_fail("BIO_new_dgram");
    ossl.BIO_ctrl(bio, BIO_SET_CONNECTED, 0, &peer);
    return bio;
}

/*
 * hooked: what a program gets that is linked with OpenSSL, the first definition of all, which is that of a
 * preloaded object. Else libssl's own, past every preloaded object.
 */
static void find_functions(int hooked)
{
    static const char *const names[] = {"libssl.so.4", "libssl.so.3", "libssl.so.1.1"};
    void *handle = NULL;
    for (size_t i = 0; handle == NULL && i < sizeof names / sizeof *names; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
    if (handle == NULL)
        peer_fail("dlopen");
#define PEER_FIND(type, name, parameters)                                                                    \
    {                                                                                                        \
        void *found = dlsym(hooked ? RTLD_DEFAULT : handle, #name);                                          \
        memcpy(&ossl.name, &found, sizeof found); /* ISO C has no cast from data to function pointers */     \
    }
    PEER_FUNCTIONS(PEER_FIND)
#undef PEER_FIND
}

static enum peer_drive drive_named(const char *name)
{
    static const char *const names[] = {"connect", "handshake", "write", "early"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum peer_drive)i;
    }
    peer_fail("--drive");
}

static struct peer_options read_options(int argc, char **argv, int *hooked, int *serve)
{
    static const struct option known[] = {{"serve", no_argument, NULL, 'S'},
                                          {"via", required_argument, NULL, 'v'},
                                          {"tls", required_argument, NULL, 't'},
                                          {"drive", required_argument, NULL, 'd'},
                                          {"name", required_argument, NULL, 'n'},
                                          {"chain", required_argument, NULL, 'c'},
                                          {"key", required_argument, NULL, 'k'},
                                          {"next-chain", required_argument, NULL, 'C'},
                                          {"next-key", required_argument, NULL, 'K'},
                                          {"session-in", required_argument, NULL, 'i'},
                                          {"session-out", required_argument, NULL, 'o'},
                                          {NULL, 0, NULL, 0}};
    struct peer_options options = {.kind = argc > 1 ? peer_kind_named(argv[1]) : NULL};
    if (options.kind == NULL)
        peer_fail("no such kind");
    options.tls = options.kind->tls;
    optind = 2;
    for (int found = 0; (found = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (found) {
        case 'S':
            *serve = 1;
            break;
        case 'v':
            *hooked = strcmp(optarg, "dlsym") != 0;
            break;
        case 't':
            options.tls = (int)strtol(optarg, NULL, 10);
            break;
        case 'd':
            options.drive = drive_named(optarg);
            break;
        case 'n':
            options.name = optarg;
            break;
        case 'c':
            options.chain = optarg;
            break;
        case 'k':
            options.key = optarg;
            break;
        case 'C':
            options.next_chain = optarg;
            break;
        case 'K':
            options.next_key = optarg;
            break;
        case 'i':
            options.session_in = optarg;
            break;
        case 'o':
            options.session_out = optarg;
            break;
        default:
            exit(2);
        }
    }
    return options;
}

/* The same words again, and --serve, without an environment. */
_Noreturn static void become_server(int argc, char **argv, int in, int out)
{
    static char serve[] = "--serve";
    static char *none[] = {NULL};
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (words == NULL || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(3);
    memcpy(words, argv, (size_t)argc * sizeof *words);
    words[argc] = serve;
    execve("/proc/self/exe", words, none);
    _exit(3);
}

int main(int argc, char **argv)
{
    int hooked = 1;
    int serve = 0;
    int to_server[2];
    int from_server[2];
    char line[512] = "";
    (void)signal(SIGPIPE, SIG_IGN);
    struct peer_options options = read_options(argc, argv, &hooked, &serve);
    if (serve) {
        find_functions(0);
        peer_server(&options);
        return 0;
    }
    /* With O_CLOEXEC: the server must not hold the end of the pipe by which it learns of the client's. */
    if (pipe2(to_server, O_CLOEXEC) != 0 || pipe2(from_server, O_CLOEXEC) != 0)
        return 3;
    pid_t child = fork();
    if (child == 0)
        become_server(argc, argv, to_server[0], from_server[1]);
    close(to_server[0]);
    close(from_server[1]);
    FILE *report = fdopen(from_server[0], "r");
    if (child < 0 || report == NULL || fgets(line, sizeof line, report) == NULL ||
        strncmp(line, "port ", strlen("port ")) != 0) {
        printf("server %s", line);
        return 3;
    }
    unsigned long port = strtoul(line + strlen("port "), NULL, 10);
    find_functions(hooked);
    peer_client(&options, (unsigned short)port, to_server[1]);
    while (fgets(line, sizeof line, report) != NULL)
        printf("server %s", line);
    waitpid(child, NULL, 0);
    return 0;
}
