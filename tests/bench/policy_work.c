/*
 * bench_policy_work BATCHES POLICY 1.2|1.3 FOLDER NAME
 *
 * What preload/ asks policy/ in one full handshake with a server that is pinned and a client certificate of
 * the policy, by itself: within a whole handshake it is less than what two of them differ by. Prints the
 * nanoseconds of one handshake's questions for each batch.
 */
#include <dlfcn.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "config/config.h"
#include "policy/judge.h"
#include "policy/leaves.h"
#include "policy/monitor.h"
#include "policy/openssl.h"
#include "policy/resolve.h"
#include "policy/upstream.h"
#include "tests/bench/meeting.h"

/* Each handshake has a certificate of its own in memory, parsed anew. */
enum { HANDSHAKES = 100, WHY_SIZE = 512, PATH_SIZE = 4096 };

struct work {
    const struct policy *policy;
    struct ossl ossl;
    const char *name;
    X509 *leaves[HANDSHAKES];
    X509 *client;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_policy_work: %s\n", what);
    exit(1);
}

static void say(void *context, enum config_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    fprintf(stderr, "%s\n", text);
}

static void *find(void *context, const char *name, uint32_t hash, size_t size)
{
    (void)hash;
    (void)size;
    return dlsym(context, name);
}

/* The first look, by the name alone: is there any rule? */
static bool has_rule(const struct work *work)
{
    struct domain domain;
    struct rule_match match;
    if (!domain_from_peer(work->name, &domain))
        return false;
    rule_index_find(&work->policy->pins, &domain, 0, false, &match);
    return match.rule != NULL;
}

/* The name is sent, and verified by the program. */
static void name_peer(const struct work *work, struct peer *peer)
{
    struct domain verified;
    *peer = (struct peer){.name_count = 1, .is_verified = true};
    peer->names[0].how = PEER_HOW_SNI;
    if (!domain_from_peer(work->name, &peer->names[0].domain) || !domain_from_peer(work->name, &verified))
        die("not a name");
}

static bool admits(const struct work *work, X509 *leaf)
{
    const struct ossl *ossl = &work->ossl;
    struct requirement requirements[PEER_NAMES_MAX];
    struct judgement judgement;
    struct peer peer;
    name_peer(work, &peer);
    if (judge_requirements(work->policy, NULL, &peer, requirements, NULL) != 1)
        return false;
    const struct leaf *known = leaves_find(work->policy, ossl, leaf);
    const struct evidence evidence = {
        .has_key = true,
        .pin = known == NULL ? NULL : &known->pin,
        .version = TLS_1_3,
        .now = time(NULL),
    };
    judge(&requirements[0], &evidence, &judgement);
    return judgement.reason == REASON_NONE;
}

static bool gives_certificate(const struct work *work)
{
    struct peer peer;
    struct upstream_found found;
    name_peer(work, &peer);
    return upstream_find(work->policy, NULL, &peer, &found) == UPSTREAM_RULE;
}

static bool expires(const struct work *work, X509 *leaf)
{
    const struct leaf *known = leaves_find(work->policy, &work->ossl, leaf);
    return known == NULL || !known->has_end || monitor_is_needed_for(work->policy, known->not_after);
}

/* The questions of one handshake, in their order, and as often as they are asked. */
static bool ask(const struct work *work, X509 *leaf)
{
    return gives_certificate(work) /* at the start */ && has_rule(work) && admits(work, leaf) &&
           gives_certificate(work) /* when the server asks for it */ &&
           !monitor_is_needed(work->policy, &work->ossl, work->client) && !expires(work, leaf);
}

static void measure(const struct work *work, unsigned long batches)
{
    for (unsigned long batch = 0; batch < batches; batch++) {
        uint64_t before = thread_nanoseconds();
        for (size_t i = 0; i < HANDSHAKES; i++) {
            if (!ask(work, work->leaves[i]))
                die("the server is not admitted, has no certificate for us, or one expires soon");
        }
        printf("%.1f ", (double)(thread_nanoseconds() - before) / HANDSHAKES);
    }
    printf("\n");
}

static void shake_hands(struct work *work, const struct world_options *options)
{
    struct world world;
    world_open(&world, options);
    for (size_t i = 0; i < HANDSHAKES; i++) {
        SSL *ssl = NULL;
        world_meet(&world, &ssl);
        work->leaves[i] = SSL_get1_peer_certificate(ssl);
        SSL_free(ssl);
    }
    world_close(&world);
}

static X509 *read_certificate(const char *folder, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    X509 *certificate = file == NULL ? NULL : PEM_read_X509(file, NULL, NULL, NULL);
    if (certificate == NULL)
        die("the client's certificate cannot be read");
    fclose(file);
    return certificate;
}

int main(int argc, char **argv)
{
    const struct config_report report = {.say = say};
    char why[WHY_SIZE] = "";
    if (argc != 6)
        die("usage: bench_policy_work BATCHES POLICY 1.2|1.3 FOLDER NAME");
    const struct world_options options = {
        .version = world_version(argv[3]),
        .folder = argv[4],
        .name = argv[5],
    };
    struct work work = {.name = options.name, .client = read_certificate(options.folder, "client.pem")};
    struct policy *policy = config_load(argv[2], getenv, &report, NULL);
    void *program = dlopen(NULL, RTLD_NOW);
    if (policy == NULL || ossl_fill_crypto(&work.ossl, find, program) != NULL ||
        ossl_fill_ssl(&work.ossl, find, program) != NULL)
        die("no policy, or not all functions of OpenSSL");
    if (!policy_resolve(policy, &work.ossl, why, sizeof why))
        die(why);
    work.policy = policy;
    shake_hands(&work, &options);
    /* The first is not remembered yet: a server that is met once needs no memory. */
    leaves_remember(policy, &work.ossl, work.leaves[0]);
    leaves_remember(policy, &work.ossl, work.leaves[0]);
    measure(&work, strtoul(argv[1], NULL, 10));
    for (size_t i = 0; i < HANDSHAKES; i++)
        X509_free(work.leaves[i]);
    X509_free(work.client);
    policy_free(policy);
    return 0;
}
