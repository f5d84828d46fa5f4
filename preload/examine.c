#include "preload/examine.h"

#include <stdio.h>

#include "preload/peername.h"
#include "preload/process.h"
#include "preload/refuse.h"

/* What is asked of a connection. On the stack of one call. */
struct examination {
    struct peer peer;
    struct requirement requirements[PEER_NAMES_MAX];
    size_t count;
    bool has_pin;
    struct pin pin; /* of the key that the peer showed */
};

bool examine_is_needed(void)
{
    const struct snapshot *snapshot = process_policy();
    return snapshot->state == POLICY_LOADED &&
           (snapshot->policy->pins.count > 0 || process_reporter()->level >= LOG_LEVEL_INFO);
}

static void begin(const struct libssl *libssl, const SSL *ssl, const X509 *leaf, struct examination *e)
{
    peer_find(libssl, ssl, &e->peer);
    e->count = judge_requirements(process_policy()->policy, &e->peer, e->requirements);
    e->has_pin = false;
    if (e->count == 0 || leaf == NULL)
        return;
    libssl->fn.ERR_set_mark();
    e->has_pin = ossl_pin_of_certificate(&libssl->fn, leaf, &e->pin);
    libssl->fn.ERR_pop_to_mark();
}

bool examine_would_refuse(const struct libssl *libssl, const SSL *ssl, const X509 *leaf)
{
    struct examination e;
    begin(libssl, ssl, leaf, &e);
    for (size_t i = 0; i < e.count; i++) {
        if (e.requirements[i].mode == MODE_ENFORCE &&
            judge_pin(&e.requirements[i], e.has_pin ? &e.pin : NULL) != REASON_NONE)
            return true;
    }
    return false;
}

#define WORDS_SIZE 1024

static void find_words(const struct examination *e, const struct requirement *requirement, enum reason reason,
                       const char *domain, char words[WORDS_SIZE])
{
    const struct source *at = &requirement_rule(requirement)->source;
    char pin[PIN_TEXT_SIZE];
    const char *port_unknown =
        requirement->match.port_unknown ? " (its port is not known, so the rules for every port count)" : "";
    switch (reason) {
    case REASON_NO_CERTIFICATE:
        snprintf(words, WORDS_SIZE,
                 "%s: the server showed no certificate, and the rule %s:%u pins its key%s; check that "
                 "this is the server that you mean",
                 domain, at->file, at->line, port_unknown);
        break;
    case REASON_UNRESOLVED:
        snprintf(words, WORDS_SIZE,
                 "%s: none of the keys of the rule %s:%u can be read%s; check the paths in it", domain,
                 at->file, at->line, port_unknown);
        break;
    default:
        pin_format(&e->pin, pin);
        snprintf(words, WORDS_SIZE,
                 "%s: the server's public key is not one that the rule %s:%u pins%s; if its key was "
                 "changed on purpose, add %s to keys",
                 domain, at->file, at->line, port_unknown, pin);
        break;
    }
}

/* Those keys of the rules that could not be read, an event each. */
static void raise_unresolved(const struct requirement *requirement)
{
    for (size_t i = 0; i < requirement->match.count; i++) {
        const struct pin_rule *rule = requirement->match.rules[i];
        for (size_t k = 0; k < rule->key_count; k++) {
            char words[WORDS_SIZE];
            if (rule->keys[k].kind != KEY_UNRESOLVED)
                continue;
            snprintf(words, sizeof words, "keys: %s %s; mend the path, or its permissions, in the rule %s:%u",
                     rule->keys[k].name, rule->keys[k].why, rule->source.file, rule->source.line);
            struct event event = {
                .kind = EVENT_PIN_UNRESOLVED,
                .message = words,
                .domain = rule->keys[k].name,
                .rule = &rule->source,
                .reason = REASON_UNRESOLVED,
            };
            process_raise(&event);
        }
    }
}

static void report(const struct examination *e, const struct requirement *requirement, enum reason reason,
                   char words[WORDS_SIZE])
{
    char domain[DOMAIN_TEXT_SIZE];
    domain_format(requirement->name, domain);
    find_words(e, requirement, reason, domain, words);
    struct event event = {
        .kind = EVENT_PIN_MISMATCH,
        .message = words,
        .domain = domain,
        .port = e->peer.port,
        .peer_address = e->peer.address,
        .rule = &requirement_rule(requirement)->source,
        .mode = requirement->mode,
        .reason = reason,
        .presented = e->has_pin ? &e->pin : NULL,
        .expected = requirement,
    };
    process_raise(&event);
}

static void log_connection(const struct examination *e, enum outcome outcome)
{
    static const char *const words[] = {
        [OUTCOME_NO_RULE] = "",
        [OUTCOME_ADMITTED] = "admitted",
        [OUTCOME_REPORTED] = "reported",
        [OUTCOME_REFUSED] = "refused",
    };
    char name[DOMAIN_TEXT_SIZE];
    if (process_reporter()->level < LOG_LEVEL_INFO)
        return;
    domain_format(&e->peer.names[0], name);

    const struct source *at = &requirement_rule(&e->requirements[0])->source;
    log_line(process_reporter(), LOG_LEVEL_INFO, "connection to %s (%s), port %u: rule %s:%u, %s", name,
             e->peer.how, e->peer.port, at->file, at->line, words[outcome]);
}

void examine_log_no_rule(const struct libssl *libssl, const SSL *ssl)
{
    struct peer peer;
    char name[DOMAIN_TEXT_SIZE];
    if (process_reporter()->level < LOG_LEVEL_INFO)
        return;
    peer_find(libssl, ssl, &peer);
    domain_format(&peer.names[0], name);
    log_line(process_reporter(), LOG_LEVEL_INFO, "connection to %s (%s), port %u: no rule", name, peer.how,
             peer.port);
}

enum outcome examine_peer(const struct libssl *libssl, const SSL *ssl, const X509 *leaf, enum reason mismatch)
{
    struct examination e;
    begin(libssl, ssl, leaf, &e);
    enum outcome outcome = e.count == 0 ? OUTCOME_NO_RULE : OUTCOME_ADMITTED;
    for (size_t i = 0; i < e.count; i++) {
        const struct requirement *requirement = &e.requirements[i];
        char words[WORDS_SIZE];
        enum reason reason = judge_pin(requirement, e.has_pin ? &e.pin : NULL);
        raise_unresolved(requirement);
        if (reason == REASON_NONE)
            continue;
        report(&e, requirement, reason == REASON_MISMATCH ? mismatch : reason, words);
        if (requirement->mode != MODE_ENFORCE) {
            if (outcome == OUTCOME_ADMITTED)
                outcome = OUTCOME_REPORTED;
            continue;
        }
        if (outcome != OUTCOME_REFUSED)
            refuse_with_words(libssl, words);
        outcome = OUTCOME_REFUSED;
    }
    if (e.count > 0)
        log_connection(&e, outcome);
    return outcome;
}
