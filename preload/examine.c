#include "preload/examine.h"

#include <stdio.h>

#include "policy/text.h"
#include "preload/peername.h"
#include "preload/process.h"
#include "preload/refuse.h"

/* What is asked of a connection. On the stack of one call. */
struct examination {
    struct peer peer;
    struct requirement requirements[PEER_NAMES_MAX];
    size_t count;
    bool has_leaf; /* the peer showed a certificate, or a raw key */
    bool has_pin;  /* and its key has a pin */
    struct pin pin;
};

bool examine_is_needed(void)
{
    const struct snapshot *snapshot = process_policy();
    return snapshot->state == POLICY_LOADED &&
           (snapshot->policy->pins.count > 0 || process_reporter()->level >= LOG_LEVEL_INFO);
}

struct shown examine_shown_in_session(const struct libssl *libssl, SSL_SESSION *session)
{
    struct shown shown = {.certificate = libssl->fn.SSL_SESSION_get0_peer(session)};
    if (shown.certificate == NULL && libssl->fn.SSL_SESSION_get0_peer_rpk != NULL)
        shown.raw_key = libssl->fn.SSL_SESSION_get0_peer_rpk(session);
    return shown;
}

static void begin(const struct libssl *libssl, const SSL *ssl, struct shown shown, struct examination *e)
{
    peer_find(libssl, ssl, &e->peer);
    e->count = judge_requirements(process_policy()->policy, &e->peer, e->requirements);
    e->has_leaf = shown.certificate != NULL || shown.raw_key != NULL;
    e->has_pin = false;
    if (e->count == 0 || !e->has_leaf)
        return;
    libssl->fn.ERR_set_mark();
    e->has_pin = shown.certificate != NULL ? ossl_pin_of_certificate(&libssl->fn, shown.certificate, &e->pin)
                                           : ossl_pin_of_pkey(&libssl->fn, shown.raw_key, &e->pin);
    libssl->fn.ERR_pop_to_mark();
}

#define WORDS_SIZE 1024

static void find_words(const struct examination *e, const struct requirement *requirement, enum reason reason,
                       const char *domain, char words[WORDS_SIZE])
{
    const struct source *at = &requirement_rule(requirement)->source;
    char pin[PIN_TEXT_SIZE];
    const char *any_port = requirement->match.any_port
                               ? " (its port is not known for sure, so the rules for other ports of it count)"
                               : "";
    if (reason == REASON_NO_CERTIFICATE) {
        snprintf(
            words, WORDS_SIZE,
            "%s: the server showed no certificate, and the rule %s:%u pins its key%s; check that this is "
            "the server that you mean",
            domain, at->file, at->line, any_port);
    } else if (reason == REASON_UNRESOLVED) {
        snprintf(words, WORDS_SIZE,
                 "%s: none of the keys of the rule %s:%u can be read%s; check the paths in it", domain,
                 at->file, at->line, any_port);
    } else if (!e->has_pin) {
        snprintf(words, WORDS_SIZE,
                 "%s: the server's public key could not be read, and the rule %s:%u pins it%s; check the "
                 "server's certificate",
                 domain, at->file, at->line, any_port);
    } else {
        pin_format(&e->pin, pin);
        snprintf(
            words, WORDS_SIZE,
            "%s: the server's public key is not one that the rule %s:%u pins%s; if its key was changed on "
            "purpose, add %s to keys",
            domain, at->file, at->line, any_port, pin);
    }
}

/* Whom an event is about. */
struct subject {
    const struct examination *examination;
    const struct requirement *requirement;
    const char *domain; /* NULL: not known */
};

/* An event for a key that could not be read. */
static bool raise_unresolved(const struct pin_rule *rule, const struct key *key, void *context)
{
    const struct subject *subject = context;
    char words[WORDS_SIZE];
    if (key->kind != KEY_UNRESOLVED)
        return false;
    snprintf(words, sizeof words, "keys: %s %s; mend the path, or its permissions, in the rule %s:%u",
             key->name, key->why, rule->source.file, rule->source.line);
    struct event event = {
        .kind = EVENT_PIN_UNRESOLVED,
        .message = words,
        .domain = subject->domain,
        .port = subject->examination->peer.port,
        .peer_address = subject->examination->peer.address,
        .rule = &rule->source,
        .mode = subject->requirement->mode,
        .reason = REASON_UNRESOLVED,
    };
    process_raise(&event);
    return false;
}

/* Why the peer does not fulfil a requirement; REASON_NONE: it does. */
static enum reason judge(const struct examination *e, const struct requirement *requirement)
{
    enum reason reason = judge_pin(requirement, e->has_pin ? &e->pin : NULL);
    /* There is a certificate, but the pin of its key could not be made. */
    return reason == REASON_NO_CERTIFICATE && e->has_leaf ? REASON_MISMATCH : reason;
}

bool examine_would_refuse(const struct libssl *libssl, const SSL *ssl, struct shown shown)
{
    struct examination e;
    begin(libssl, ssl, shown, &e);
    for (size_t i = 0; i < e.count; i++) {
        if (e.requirements[i].mode == MODE_ENFORCE && judge(&e, &e.requirements[i]) != REASON_NONE)
            return true;
    }
    return false;
}

static void report(const struct subject *subject, enum reason reason, char words[WORDS_SIZE])
{
    const struct examination *e = subject->examination;
    const struct requirement *requirement = subject->requirement;
    find_words(e, requirement, reason, subject->domain == NULL ? "a server without a name" : subject->domain,
               words);
    text_for_terminal(words);
    struct event event = {
        .kind = EVENT_PIN_MISMATCH,
        .message = words,
        .domain = subject->domain,
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

/* The line of the log for a connection; `at` is NULL where no rule is in force for it. */
static void log_connection(const struct peer *peer, const struct domain *name, const struct source *at,
                           const char *outcome)
{
    char text[DOMAIN_TEXT_SIZE];
    char port[16] = "not known";
    domain_format(name, text);
    if (peer->port != 0)
        snprintf(port, sizeof port, "%u", peer->port);
    if (at == NULL)
        log_line(process_reporter(), LOG_LEVEL_INFO, "connection to %s (%s), port %s: no rule in force", text,
                 peer->how, port);
    else
        log_line(process_reporter(), LOG_LEVEL_INFO, "connection to %s (%s), port %s: rule %s:%u, %s", text,
                 peer->how, port, at->file, at->line, outcome);
}

void examine_log_no_rule(const struct libssl *libssl, const SSL *ssl)
{
    struct peer peer;
    if (process_reporter()->level < LOG_LEVEL_INFO)
        return;
    peer_find(libssl, ssl, &peer);
    log_connection(&peer, &peer.names[0], NULL, NULL);
}

/* Examines one requirement. `told`: the words of a refusal are in the queue already. */
static enum outcome examine_one(const struct libssl *libssl, const struct examination *e,
                                const struct requirement *requirement, enum reason mismatch, bool told)
{
    char domain[DOMAIN_TEXT_SIZE];
    char words[WORDS_SIZE];
    struct subject subject = {e, requirement, requirement->name->kind == DOMAIN_ALL ? NULL : domain};
    domain_format(requirement->name, domain);
    requirement_each_key(requirement, raise_unresolved, &subject);
    enum reason reason = judge(e, requirement);
    if (reason == REASON_NONE)
        return OUTCOME_ADMITTED;
    report(&subject, reason == REASON_MISMATCH ? mismatch : reason, words);
    if (requirement->mode != MODE_ENFORCE)
        return OUTCOME_REPORTED;
    if (!told)
        refuse_with_words(libssl, words);
    return OUTCOME_REFUSED;
}

enum outcome examine_peer(const struct libssl *libssl, const SSL *ssl, struct shown shown,
                          enum reason mismatch)
{
    static const char *const words[] = {
        [OUTCOME_NO_RULE] = "",
        [OUTCOME_ADMITTED] = "admitted",
        [OUTCOME_REPORTED] = "reported",
        [OUTCOME_REFUSED] = "refused",
    };
    struct examination e;
    enum outcome worst = OUTCOME_NO_RULE;
    begin(libssl, ssl, shown, &e);
    for (size_t i = 0; i < e.count; i++) {
        const struct requirement *requirement = &e.requirements[i];
        enum outcome outcome = examine_one(libssl, &e, requirement, mismatch, worst == OUTCOME_REFUSED);
        if (process_reporter()->level >= LOG_LEVEL_INFO)
            log_connection(&e.peer, requirement->name, &requirement_rule(requirement)->source,
                           words[outcome]);
        if (outcome > worst)
            worst = outcome;
    }
    return worst;
}
