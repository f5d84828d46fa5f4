#include "preload/tell.h"

#include <stdio.h>

#include "policy/text.h"
#include "policy/words.h"
#include "preload/connection.h"
#include "preload/peername.h"
#include "preload/process.h"
#include "preload/refuse.h"

/* With whom they are about before them. */
#define LINE_SIZE (DOMAIN_TEXT_SIZE + sizeof ": " + WORDS_SIZE)

/* Whom words and events are about. */
struct subject {
    const struct examination *examination;
    const struct requirement *requirement;
    const char *domain; /* NULL: not known */
};

/* How a key of a rule fares that had to be read from somewhere. */
enum reading { READING_DONE, READING_STALE, READING_FAILED };

/* `words`: for the latter two. */
static enum reading words_of_record(const struct policy *policy, const struct pin_rule *rule,
                                    const struct key *key, char words[WORDS_SIZE])
{
    const struct pin *pin;
    char why[STORE_WHY_SIZE] = "there was not enough memory for the records";
    enum records_answer answer =
        policy->records == NULL ? RECORDS_FAILED : records_pin(policy->records, key->name, &pin, why);
    bool usable = answer == RECORDS_FOUND || (answer == RECORDS_ABSENT && key->pin_if_absent);
    bool stale = usable && records_is_stale(policy->records, key->name, why);
    if (usable && !stale)
        return READING_DONE;
    snprintf(words, WORDS_SIZE, "keys: %s, in the rule %s:%u%s: %s%s%s", key->name, rule->source.file,
             rule->source.line, stale ? ", counts only for 'stale_seconds' more" : "", why,
             key->why == NULL ? "" : "; ", key->why == NULL ? "" : key->why);
    return stale ? READING_STALE : READING_FAILED;
}

static enum reading words_of_key(const struct policy *policy, const struct pin_rule *rule,
                                 const struct key *key, char words[WORDS_SIZE])
{
    if (key->kind == KEY_ID)
        return words_of_record(policy, rule, key, words);
    if (key->kind != KEY_UNRESOLVED)
        return READING_DONE;
    snprintf(words, WORDS_SIZE, "keys: %s %s; mend the path, or its permissions, in the rule %s:%u",
             key->name, key->why, rule->source.file, rule->source.line);
    return READING_FAILED;
}

/* An event for a key that could not be read, or not any more. */
static bool raise_unresolved(const struct pin_rule *rule, const struct key *key, void *context)
{
    const struct subject *subject = context;
    char words[WORDS_SIZE];
    enum reading reading = words_of_key(subject->requirement->policy, rule, key, words);
    if (reading == READING_DONE)
        return false;
    text_for_terminal(words);
    struct event event = {
        .kind = EVENT_PIN_UNRESOLVED,
        .message = words,
        .domain = subject->domain,
        .port = subject->examination->peer.port,
        .peer_address = subject->examination->peer.address,
        .rule = &rule->source,
        .mode = reading == READING_STALE ? MODE_REPORT : subject->requirement->mode,
        .reason = REASON_UNRESOLVED,
        .wait = connection_wait(subject->examination->showing->libssl, subject->examination->showing->ssl),
    };
    snapshot_raise(subject->examination->showing->snapshot, &event);
    return false;
}

static void report(const struct subject *subject, const struct judgement *judgement, char line[LINE_SIZE])
{
    const struct examination *e = subject->examination;
    bool resumed = e->showing->resumed && judgement->reason == REASON_MISMATCH;
    const struct account account = {
        .ossl = &e->showing->libssl->fn,
        .requirement = subject->requirement,
        .evidence = &e->evidence,
        .resumed = e->showing->resumed,
    };
    char words[WORDS_SIZE];
    words_of_judgement(&account, judgement, words);
    snprintf(line, LINE_SIZE, "%s: %s", subject->domain == NULL ? "a server without a name" : subject->domain,
             words);
    text_for_terminal(line);
    struct event event = {
        .kind = EVENT_PIN_MISMATCH,
        .message = line,
        .domain = subject->domain,
        .port = e->peer.port,
        .peer_address = e->peer.address,
        .rule = &judgement->rule->source,
        .mode = judgement->mode,
        .reason = resumed ? REASON_RESUMED : judgement->reason,
        .presented = e->has_pin ? &e->pin : NULL,
        .expected = subject->requirement,
        .wait = connection_wait(e->showing->libssl, e->showing->ssl),
    };
    snapshot_raise(e->showing->snapshot, &event);
}

void tell_line(const struct peer *peer, const struct peer_name *name, const struct source *at,
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
    char line[LINE_SIZE];
    struct subject subject = {e, requirement, requirement->name->domain.kind == DOMAIN_ALL ? NULL : domain};
    if (subject.domain != NULL)
        domain_format(&requirement->name->domain, domain);
    requirement_each_key(requirement, raise_unresolved, &subject);
    if (outcome != OUTCOME_ADMITTED)
        report(&subject, judgement, line);
    if (outcome == OUTCOME_REFUSED && !told)
        refuse_with_words(e->showing->libssl, line);
    if (process_reporter()->level >= LOG_LEVEL_INFO)
        tell_line(&e->peer, requirement->name, &judgement->rule->source, outcomes[outcome]);
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
        .wait = connection_wait(e->showing->libssl, e->showing->ssl),
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
    char line[LINE_SIZE];
    peer_find(libssl, ssl, &peer);
    bool named = judge_is_unmatched(snapshot->policy, snapshot->section, &peer);
    domain_format(&peer.names[0].domain, name);
    words_of_unknown(named, about, words);
    if (named)
        snprintf(line, sizeof line, "%s: %s", name, words);
    else
        snprintf(line, sizeof line, "a server without a name%s%s: %s", peer.address[0] == '\0' ? "" : " at ",
                 peer.address, words);
    text_for_terminal(line);
    struct event event = {
        .kind = named ? EVENT_PEER_UNMATCHED : EVENT_PEER_UNNAMED,
        .message = line,
        .domain = named ? name : NULL,
        .port = peer.port,
        .peer_address = peer.address,
        .mode = about == ABOUT_REFUSE ? MODE_ENFORCE : MODE_REPORT,
        .wait = connection_wait(libssl, ssl),
    };
    snapshot_raise(snapshot, &event);
    if (about == ABOUT_REFUSE)
        refuse_with_words(libssl, line);
}

void tell_connection(const struct libssl *libssl, const SSL *ssl, const char *outcome)
{
    struct peer peer;
    if (process_reporter()->level < LOG_LEVEL_INFO)
        return;
    peer_find(libssl, ssl, &peer);
    tell_line(&peer, &peer.names[0], NULL, outcome);
}
