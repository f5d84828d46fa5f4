#include "cli/verdict.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/message.h"
#include "policy/verify.h"

struct hearing {
    const struct policy *policy;
    struct shown shown;
};

static bool chain(void *context, const struct pin_rule *rule)
{
    const struct hearing *hearing = context;
    return verify_has_pinned_chain(&hearing->shown, hearing->policy, rule);
}

static int require(void *context, const struct pin_rule *rule, const struct domain *name)
{
    const struct hearing *hearing = context;
    return verify_chain_and_name(&hearing->shown, rule, name);
}

static const struct section *find_section(const struct policy *policy, const struct program_asked *asked)
{
    struct program_found found;
    char note[SECTION_NOTE_SIZE];
    section_find(policy, asked, &found);
    if (found.section == NULL && found.program != NULL)
        message_warning("--program: no section of %s matches '%s'; the rules for all programs count",
                        policy->path, found.program);
    if (found.perhaps != NULL) {
        section_note(&found, note);
        message_warning("--program: %s", note);
    }
    return found.section;
}

static struct peer find_peer(const struct server *server, const char *servername)
{
    struct peer peer = {.name_count = 1};
    peer.names[0] = (struct peer_name){server->address, PEER_HOW_ADDRESS};
    if (servername != NULL && domain_from_peer(servername, &peer.names[0].domain))
        peer.names[0].how = PEER_HOW_SNI;
    return peer;
}

/* The first that refuses is told of; else the first that reports. */
static void take(struct verdict *verdict, bool refuses, const char *words)
{
    if (!verdict->allowed || (verdict->reported && !refuses))
        return;
    verdict->allowed = !refuses;
    verdict->reported = !refuses;
    snprintf(verdict->words, sizeof verdict->words, "%s", words);
}

static void judge_unmatched(const struct policy *policy, const struct section *section,
                            const struct peer *peer, struct verdict *verdict)
{
    char words[WORDS_SIZE];
    enum about about = judge_unknown(policy, section, peer);
    if (about == ABOUT_ALLOW)
        return;
    words_of_unknown(peer_is_named(peer), about, words);
    take(verdict, about == ABOUT_REFUSE, words);
}

static void judge_rules(struct hearing *hearing, const struct section *section, const struct peer *peer,
                        const struct server *server, struct verdict *verdict)
{
    const struct ossl *ossl = hearing->shown.ossl;
    struct requirement requirements[PEER_NAMES_MAX];
    struct pin pin;
    bool has_pin = ossl_pin_of_certificate(ossl, server->leaf, &pin);
    const struct proof proof = {chain, require, hearing};
    const struct evidence evidence = {
        .has_key = true,
        .pin = has_pin ? &pin : NULL,
        .version = tls_version_of(server->version),
        .now = time(NULL),
        .proof = &proof,
    };
    size_t count = judge_requirements(hearing->policy, section, peer, requirements, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct account account = {.ossl = ossl, .requirement = &requirements[i], .evidence = &evidence};
        struct judgement judgement;
        char words[WORDS_SIZE];
        judge(&requirements[i], &evidence, &judgement);
        if (judgement.reason == REASON_NONE)
            continue;
        words_of_judgement(&account, &judgement, words);
        take(verdict, judgement.mode == MODE_ENFORCE, words);
    }
}

static void judge_peer(struct hearing *hearing, const struct section *section, const struct peer *peer,
                       const struct server *server, struct verdict *verdict)
{
    *verdict = (struct verdict){.allowed = true};
    judge_unmatched(hearing->policy, section, peer, verdict);
    judge_rules(hearing, section, peer, server, verdict);
}

void verdict_find(const struct policy_file *file, const struct program_asked *program,
                  const struct server *server, const char *servername, bool is_host, uint16_t port,
                  struct verdicts *verdicts)
{
    const struct ossl *ossl = &server->crypto->ossl;
    struct hearing hearing = {
        .policy = file->policy,
        .shown = {ossl, server->leaf, server->sent, server->security_level},
    };
    const struct section *section = find_section(file->policy, program);
    struct peer peer = find_peer(server, servername);
    judge_peer(&hearing, section, &peer, server, &verdicts->unknown);
    peer.port = port;
    peer.port_is_own = is_host;
    judge_peer(&hearing, section, &peer, server, &verdicts->given);
}
