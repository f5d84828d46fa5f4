#include "preload/examine.h"

#include <stdio.h>
#include <time.h>

#include "policy/text.h"
#include "policy/verify.h"
#include "preload/peername.h"
#include "preload/process.h"
#include "preload/proof.h"
#include "preload/refuse.h"

/* What is asked of a connection. On the stack of one call. */
struct examination {
    const struct showing *showing;
    struct peer peer;
    struct requirement requirements[PEER_NAMES_MAX];
    size_t count;
    bool has_pin;
    struct pin pin; /* of the leaf's key */
    struct proof proof;
    struct evidence evidence;
};

static bool has_rules(const struct snapshot *snapshot)
{
    return snapshot->policy->pins.count > 0 ||
           (snapshot->section != NULL && snapshot->section->pins.count > 0);
}

bool examine_is_needed(const struct snapshot *snapshot)
{
    return snapshot->state == POLICY_LOADED &&
           (has_rules(snapshot) || process_reporter()->level >= LOG_LEVEL_INFO);
}

/* The versions of DTLS by what they are made of (RFC 6347, RFC 9147); QUIC is TLS 1.3 (RFC 9001). */
static enum tls_version version_of(int number)
{
    switch (number) {
    case 0x0301:
        return TLS_1_0;
    case 0x0302:
    case 0xfeff: /* DTLS 1.0 */
        return TLS_1_1;
    case 0x0303:
    case 0xfefd: /* DTLS 1.2 */
        return TLS_1_2;
    case 0x0304:
    case 0xfefc: /* DTLS 1.3 */
    case 1:      /* OSSL_QUIC1_VERSION */
        return TLS_1_3;
    default:
        return TLS_OLDER;
    }
}

static void begin(const struct showing *showing, struct examination *e)
{
    const struct ossl *ossl = &showing->libssl->fn;
    const struct snapshot *snapshot = showing->snapshot;
    e->showing = showing;
    e->has_pin = false;
    peer_find(showing->libssl, showing->ssl, &e->peer);
    e->count = judge_requirements(snapshot->policy, snapshot->section, &e->peer, e->requirements, NULL);
    if (e->count == 0)
        return;
    ossl->ERR_set_mark();
    if (showing->leaf != NULL)
        e->has_pin = ossl_pin_of_certificate(ossl, showing->leaf, &e->pin);
    else if (showing->raw_key != NULL)
        e->has_pin = ossl_pin_of_pkey(ossl, showing->raw_key, &e->pin);
    ossl->ERR_pop_to_mark();
    e->proof = proof_for(showing);
    e->evidence = (struct evidence){
        .has_key = showing->leaf != NULL || showing->raw_key != NULL,
        .pin = e->has_pin ? &e->pin : NULL,
        .version = version_of(showing->version),
        .now = time(NULL),
        .proof = &e->proof,
    };
}

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

void examine_log_no_rule(const struct libssl *libssl, const SSL *ssl)
{
    struct peer peer;
    if (process_reporter()->level < LOG_LEVEL_INFO)
        return;
    peer_find(libssl, ssl, &peer);
    log_connection(&peer, &peer.names[0], NULL, "no rule in force");
}

static enum outcome outcome_of(const struct judgement *judgement)
{
    if (judgement->reason == REASON_NONE)
        return OUTCOME_ADMITTED;
    return judgement->mode == MODE_ENFORCE ? OUTCOME_REFUSED : OUTCOME_REPORTED;
}

/*
 * A resumed session shows nothing that could be verified. Where a rule is enforced it is not resumed, unless
 * what the rule asks was established before; where it is only reported it stays as it is, and there is
 * nothing to report.
 */
static bool is_not_known(const struct showing *showing, const struct judgement *judgement)
{
    bool asks_for_more = judgement->reason == REASON_VERIFICATION ||
                         (judgement->reason == REASON_MISMATCH && judgement->rule->target == TARGET_CHAIN);
    return showing->resumed && judgement->mode == MODE_REPORT && asks_for_more;
}

/* Tells of one requirement. `told`: the words of a refusal are in the queue already. */
static void tell(const struct examination *e, const struct requirement *requirement,
                 const struct judgement *judgement, bool told)
{
    static const char *const outcomes[] = {
        [OUTCOME_NO_RULE] = "",
        [OUTCOME_ADMITTED] = "admitted",
        [OUTCOME_REPORTED] = "reported",
        [OUTCOME_REFUSED] = "refused",
    };
    char domain[DOMAIN_TEXT_SIZE];
    char words[WORDS_SIZE];
    enum outcome outcome = outcome_of(judgement);
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

/*
 * Only where it is certain whom the pinned key was for. Programs that have OpenSSL verify the name would take
 * another name too, so that is verified here.
 */
static bool may_loosen(const struct examination *e)
{
    const struct showing *showing = e->showing;
    const struct ossl *ossl = &showing->libssl->fn;
    if (e->peer.name_count != 1 || e->peer.names_left_out || showing->leaf == NULL)
        return false;
    if (!e->peer.is_verified)
        return true;
    unsigned flags = ossl->X509_VERIFY_PARAM_get_hostflags(ossl->SSL_get0_param(showing->ssl));
    return verify_name(ossl, showing->leaf, &e->peer.names[0].domain, flags);
}

/* Of all rules, for a name that was not looked up might have any of them. */
static enum mode strictest_mode(const struct policy *policy)
{
    enum mode strictest = MODE_OFF;
    for (size_t i = 0; i < policy->pin_rule_count; i++) {
        enum mode mode = policy_rule_mode(policy, policy->pin_rules[i]);
        if (mode < strictest)
            strictest = mode;
    }
    return strictest;
}

static void examine_names_left_out(const struct examination *e, struct examined *examined)
{
    char domain[DOMAIN_TEXT_SIZE];
    char words[WORDS_SIZE];
    bool told = examined->outcome == OUTCOME_REFUSED;
    enum mode mode = strictest_mode(e->showing->snapshot->policy);
    if (mode == MODE_OFF)
        return;
    enum outcome outcome = mode == MODE_ENFORCE ? OUTCOME_REFUSED : OUTCOME_REPORTED;
    if (outcome > examined->outcome)
        examined->outcome = outcome;
    if (e->showing->quiet)
        return;
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
    if (outcome == OUTCOME_REFUSED && !told)
        refuse_with_words(e->showing->libssl, words);
}

void examine_peer(const struct showing *showing, struct examined *examined)
{
    struct examination e;
    bool loosens = false;
    *examined = (struct examined){.outcome = OUTCOME_NO_RULE, .error = OSSL_V_ERR_APPLICATION_VERIFICATION};
    begin(showing, &e);
    for (size_t i = 0; i < e.count; i++) {
        struct judgement judgement;
        judge(&e.requirements[i], &e.evidence, &judgement);
        if (is_not_known(showing, &judgement))
            judgement.reason = REASON_NONE;
        enum outcome outcome = outcome_of(&judgement);
        if (!showing->quiet)
            tell(&e, &e.requirements[i], &judgement, examined->outcome == OUTCOME_REFUSED);
        if (outcome == OUTCOME_REFUSED && examined->outcome != OUTCOME_REFUSED && judgement.error != 0)
            examined->error = judgement.error;
        if (outcome > examined->outcome)
            examined->outcome = outcome;
        loosens = loosens || judgement.loosens;
    }
    if (e.peer.names_left_out)
        examine_names_left_out(&e, examined);
    examined->loosens = loosens && examined->outcome == OUTCOME_ADMITTED && may_loosen(&e);
}

enum about examine_unknown(const struct snapshot *snapshot, const struct libssl *libssl, const SSL *ssl)
{
    const struct policy *policy = snapshot->policy;
    struct peer peer;
    struct requirement requirements[PEER_NAMES_MAX];
    bool matched;
    if (snapshot->state != POLICY_LOADED || policy->mode == MODE_OFF ||
        (policy->unmatched == ABOUT_ALLOW && policy->unnamed == ABOUT_ALLOW))
        return ABOUT_ALLOW;
    peer_find(libssl, ssl, &peer);
    judge_requirements(policy, snapshot->section, &peer, requirements, &matched);
    if (matched)
        return ABOUT_ALLOW;
    enum about about = peer_is_named(&peer) ? policy->unmatched : policy->unnamed;
    if (peer.names[0].how == PEER_HOW_RESOLVER && policy->unmatched > about)
        about = policy->unmatched;
    return about == ABOUT_REFUSE && policy->mode == MODE_REPORT ? ABOUT_REPORT : about;
}

void examine_report_unknown(const struct snapshot *snapshot, const struct libssl *libssl, const SSL *ssl,
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

void examine_log_refused_start(const struct libssl *libssl, const SSL *ssl)
{
    struct peer peer;
    if (process_reporter()->level < LOG_LEVEL_INFO)
        return;
    peer_find(libssl, ssl, &peer);
    log_connection(&peer, &peer.names[0], NULL, "refused before it began");
}
