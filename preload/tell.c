#include "preload/tell.h"

#include <stdio.h>

#include "policy/text.h"
#include "preload/peername.h"
#include "preload/process.h"
#include "preload/refuse.h"

#define WORDS_SIZE 1024

/* Whom words and events are about. */
struct subject {
    const struct examination *examination;
    const struct requirement *requirement;
    const char *domain; /* NULL: not known */
};

/* Nothing is wrong with the server: its chain was not shown. */
static void find_resumed_words(const char *domain, const char *at, char words[WORDS_SIZE])
{
    snprintf(words, WORDS_SIZE,
             "%s: a session was resumed that was not verified as %s asks; connect again, the handshake will "
             "be a full one",
             domain, at);
}

static void find_words(const struct subject *subject, const struct judgement *judgement,
                       char words[WORDS_SIZE])
{
    const struct examination *e = subject->examination;
    const struct pin_rule *rule = judgement->rule;
    const char *domain = subject->domain == NULL ? "a server without a name" : subject->domain;
    const char *any_port = subject->requirement->match.any_port
                               ? " (its port is not known for sure, so the rules for other ports of it count)"
                               : "";
    char at[512];
    char pin[PIN_TEXT_SIZE];
    snprintf(at, sizeof at, "the rule %s:%u", rule->source.file, rule->source.line);
    switch (judgement->reason) {
    case REASON_NO_CERTIFICATE:
        snprintf(words, WORDS_SIZE,
                 "%s: the server showed no certificate, and %s pins its key%s; check that this is the server "
                 "that you "
                 "mean",
                 domain, at, any_port);
        break;
    case REASON_UNRESOLVED:
        snprintf(words, WORDS_SIZE, "%s: none of the keys of %s can be read%s; check the paths in it", domain,
                 at, any_port);
        break;
    case REASON_EXPIRED:
        snprintf(words, WORDS_SIZE,
                 "%s: the keys of %s have expired%s; write those that the server has now, and a new date in "
                 "expires",
                 domain, at, any_port);
        break;
    case REASON_VERSION:
        snprintf(words, WORDS_SIZE,
                 "%s: the connection is TLS %s, and %s asks for %s%s; let the server offer it, or lower "
                 "min_version",
                 domain, tls_version_name(e->evidence.version), at, tls_version_name(rule->min_version),
                 any_port);
        break;
    case REASON_VERIFICATION:
        if (e->showing->resumed) {
            find_resumed_words(domain, at, words);
            break;
        }
        snprintf(words, WORDS_SIZE,
                 "%s: the server's certificate does not verify, as %s requires%s: %s%s; check the "
                 "certificate, its "
                 "names, and ca_file",
                 domain, at, any_port, e->showing->libssl->fn.X509_verify_cert_error_string(judgement->error),
                 rule->anchors->file != NULL && rule->anchors->file_text == NULL
                     ? " (ca_file could not be read)"
                     : "");
        break;
    default:
        if (!e->has_pin) {
            snprintf(words, WORDS_SIZE,
                     "%s: the server's public key could not be read, and %s pins it%s; check the server's "
                     "certificate",
                     domain, at, any_port);
            break;
        }
        if (e->showing->resumed && rule->target == TARGET_CHAIN) {
            find_resumed_words(domain, at, words);
            break;
        }
        pin_format(&e->pin, pin);
        snprintf(words, WORDS_SIZE,
                 "%s: the server's public key is not one that %s pins%s; if its key was changed on purpose, "
                 "add %s to "
                 "keys",
                 domain, at, any_port, pin);
        break;
    }
}

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
    snapshot_raise(subject->examination->showing->snapshot, &event);
    return false;
}

static void report(const struct subject *subject, const struct judgement *judgement, char words[WORDS_SIZE])
{
    const struct examination *e = subject->examination;
    bool resumed = e->showing->resumed && judgement->reason == REASON_MISMATCH;
    find_words(subject, judgement, words);
    text_for_terminal(words);
    struct event event = {
        .kind = EVENT_PIN_MISMATCH,
        .message = words,
        .domain = subject->domain,
        .port = e->peer.port,
        .peer_address = e->peer.address,
        .rule = &judgement->rule->source,
        .mode = judgement->mode,
        .reason = resumed ? REASON_RESUMED : judgement->reason,
        .presented = e->has_pin ? &e->pin : NULL,
        .expected = subject->requirement,
    };
    snapshot_raise(e->showing->snapshot, &event);
}

/* The line of the log for a connection; `at` is NULL where no rule is in force for it. */
static void log_connection(const struct peer *peer, const struct peer_name *name, const struct source *at,
                           const char *outcome)
{
    char text[DOMAIN_TEXT_SIZE];
    char port[16] = "not known";
    domain_format(&name->domain, text);
    if (peer->port != 0)
        snprintf(port, sizeof port, "%u", peer->port);
    if (at == NULL)
        log_line(process_reporter(), LOG_LEVEL_INFO, "connection to %s (%s), port %s: %s", text,
                 peer_how_name(name->how), port, outcome);
    else
        log_line(process_reporter(), LOG_LEVEL_INFO, "connection to %s (%s), port %s: rule %s:%u, %s", text,
                 peer_how_name(name->how), port, at->file, at->line, outcome);
}

void tell_judgement(const struct examination *e, const struct requirement *requirement,
                    const struct judgement *judgement, enum outcome outcome, bool told)
{
    static const char *const outcomes[] = {
        [OUTCOME_NO_RULE] = "",
        [OUTCOME_ADMITTED] = "admitted",
        [OUTCOME_REPORTED] = "reported",
        [OUTCOME_REFUSED] = "refused",
    };
    char domain[DOMAIN_TEXT_SIZE];
    char words[WORDS_SIZE];
    struct subject subject = {e, requirement, requirement->name->domain.kind == DOMAIN_ALL ? NULL : domain};
    domain_format(&requirement->name->domain, domain);
    requirement_each_key(requirement, raise_unresolved, &subject);
    if (outcome != OUTCOME_ADMITTED)
        report(&subject, judgement, words);
    if (outcome == OUTCOME_REFUSED && !told)
        refuse_with_words(e->showing->libssl, words);
    if (process_reporter()->level >= LOG_LEVEL_INFO)
        log_connection(&e->peer, requirement->name, &judgement->rule->source, outcomes[outcome]);
}

void tell_names_left_out(const struct examination *e, enum mode mode, bool told)
{
    char domain[DOMAIN_TEXT_SIZE];
    char words[WORDS_SIZE];
    domain_format(&e->peer.names[0].domain, domain);
    snprintf(words, sizeof words,
             "%s: the program has more than %d names verified, or one of more than %d characters, and rules "
             "for these "
             "cannot be looked up; let it name fewer",
             domain, PEER_NAMES_MAX, DOMAIN_NAME_MAX);
    text_for_terminal(words);
    struct event event = {
        .kind = EVENT_PIN_MISMATCH,
        .message = words,
        .domain = domain,
        .port = e->peer.port,
        .peer_address = e->peer.address,
        .mode = mode,
        .reason = REASON_VERIFICATION,
        .presented = e->has_pin ? &e->pin : NULL,
    };
    snapshot_raise(e->showing->snapshot, &event);
    if (mode == MODE_ENFORCE && !told)
        refuse_with_words(e->showing->libssl, words);
}

void tell_unknown(const struct snapshot *snapshot, const struct libssl *libssl, const SSL *ssl,
                  enum about about)
{
    struct peer peer;
    char name[DOMAIN_TEXT_SIZE];
    char words[WORDS_SIZE];
    peer_find(libssl, ssl, &peer);
    /* See examine_unknown(): of what a guess says the stricter one counts. */
    bool guessed =
        peer.names[0].how == PEER_HOW_RESOLVER && snapshot->policy->unmatched > snapshot->policy->unnamed;
    bool named = peer_is_named(&peer) || guessed;
    domain_format(&peer.names[0].domain, name);
    if (named)
        snprintf(words, sizeof words,
                 "%s: no rule is for this server, and unmatched = \"%s\"; add a rule if it is one "
                 "that you mean",
                 name, about == ABOUT_REFUSE ? "refuse" : "report");
    else
        snprintf(words, sizeof words,
                 "a server without a name%s%s: no rule is for it, and unnamed = \"%s\"; add a rule "
                 "for its address or for \"*\"",
                 peer.address[0] == '\0' ? "" : " at ", peer.address,
                 about == ABOUT_REFUSE ? "refuse" : "report");
    text_for_terminal(words);
    struct event event = {
        .kind = named ? EVENT_PEER_UNMATCHED : EVENT_PEER_UNNAMED,
        .message = words,
        .domain = named ? name : NULL,
        .port = peer.port,
        .peer_address = peer.address,
        .mode = about == ABOUT_REFUSE ? MODE_ENFORCE : MODE_REPORT,
    };
    snapshot_raise(snapshot, &event);
    if (about == ABOUT_REFUSE)
        refuse_with_words(libssl, words);
}

void tell_connection(const struct libssl *libssl, const SSL *ssl, const char *outcome)
{
    struct peer peer;
    if (process_reporter()->level < LOG_LEVEL_INFO)
        return;
    peer_find(libssl, ssl, &peer);
    log_connection(&peer, &peer.names[0], NULL, outcome);
}
