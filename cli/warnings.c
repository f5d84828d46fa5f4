#include "cli/warnings.h"

#include <stdio.h>
#include <string.h>

#include "cli/candidates.h"
#include "cli/certificate.h"
#include "cli/message.h"
#include "cli/security_level.h"
#include "policy/credentials.h"
#include "policy/expiry.h"
#include "policy/text.h"

enum { DAY = 86400 };

/* More than these are counted, and not shown: nobody reads on. */
enum { WARNINGS_MAX = 20 };

struct context {
    const struct policy *policy;
    const struct pin_rule *rule;
    time_t now;
    time_t soon; /* seconds: what is further off is not told */
    const struct crypto *crypto;
    const struct security_check *security; /* of client certificates */
    size_t found;
};

static bool may_tell(struct context *context)
{
    return ++context->found <= WARNINGS_MAX;
}

/*
 * "2026-12-31 is past", "... is in 1 day". False: it is further off than a warning is for. `days`: how many
 * that are, where it is not past.
 */
static bool describe_day(const struct context *context, time_t when, int64_t days, char *words, size_t size)
{
    char day[TEXT_TIME_SIZE];
    text_of_time(when, day);
    if (when <= context->now)
        snprintf(words, size, "%.10s is past", day);
    else if (when - context->now > context->soon)
        return false;
    else if (days == 0)
        snprintf(words, size, "%.10s is in less than a day", day);
    else
        snprintf(words, size, "%.10s is in %ld day%s", day, (long)days, days == 1 ? "" : "s");
    return true;
}

/* The end of a certificate, with as many days as in events, and as `cert list` tells. */
static bool describe_end(const struct context *context, time_t when, char *words, size_t size)
{
    return describe_day(context, when, expiry_days((int64_t)when - context->now), words, size);
}

/* The beginning of a day, from which it is not so far to the next that there are 0 in between. */
static bool describe_date(const struct context *context, time_t when, char *words, size_t size)
{
    return describe_day(context, when, (when - context->now + DAY - 1) / DAY, words, size);
}

/* What comes of it: where the mode is not enforce, nothing is refused. */
static const char *expiry_words(const struct context *context)
{
    const struct pin_rule *rule = context->rule;
    bool enforced = policy_rule_mode(context->policy, rule) == MODE_ENFORCE;
    if (rule->after_expiry == AFTER_EXPIRY_REFUSE)
        return enforced ? "the server is refused, whatever its key is"
                        : "the server is only reported, whatever its key is";
    return enforced ? "a server with another key is only reported"
                    : "a server with another key is only reported, as before";
}

/* A rule that has expired does less, or more, than its author may remember. */
static void warn_of_expiry(struct context *context)
{
    const struct pin_rule *rule = context->rule;
    char words[128];
    if (!rule->expires || !describe_date(context, rule->expiry, words, sizeof words) || !may_tell(context))
        return;
    bool past = context->now >= rule->expiry;
    message_warning("%s:%u: expires: %s%s %s; write a later day, or remove the rule", rule->source.file,
                    rule->source.line, words, past ? ", so" : ", and from then on", expiry_words(context));
}

/* Two items that are the same key are one. */
static bool has_one_key(const struct context *context)
{
    const struct pin_rule *rule = context->rule;
    const struct pin *first = rule->key_count == 0 ? NULL : policy_key_pin(context->policy, &rule->keys[0]);
    for (size_t i = 1; i < rule->key_count && first != NULL; i++) {
        const struct pin *other = policy_key_pin(context->policy, &rule->keys[i]);
        if (other == NULL || !pin_equal(first, other))
            return false;
    }
    return first != NULL;
}

static void warn_of_one_key(struct context *context)
{
    const struct pin_rule *rule = context->rule;
    bool enforced = policy_rule_mode(context->policy, rule) == MODE_ENFORCE;
    if (has_one_key(context) && may_tell(context))
        message_warning(
            "%s:%u: keys: one key only, so when it is changed every connection is %s; add the key "
            "that will come after it",
            rule->source.file, rule->source.line, enforced ? "refused" : "reported");
}

struct pinned {
    struct context *context;
    const struct key *key;
};

/* The pin outlives the certificate; the server's key may not. Only the first of a chain is the server's. */
static bool warn_of_certificate(const struct certificate *certificate, unsigned line, void *visited)
{
    const struct pinned *pinned = visited;
    const struct source *at = &pinned->context->rule->source;
    char words[128];
    (void)line;
    if (certificate->expires && describe_end(pinned->context, certificate->not_after, words, sizeof words) &&
        may_tell(pinned->context))
        message_warning(
            "%s:%u: keys: the certificate in %s expires (%s); its key stays pinned, but the one after it "
            "may have another key: find out, and add that",
            at->file, at->line, pinned->key->name, words);
    return false;
}

static void warn_of_record(struct pinned *pinned)
{
    unsigned line;
    size_t length;
    const char *text;
    struct kept_text *held =
        records_hold_text(pinned->context->policy->records, pinned->key->name, &text, &length);
    if (held != NULL)
        certificate_each(pinned->context->crypto, text, length, warn_of_certificate, pinned, &line);
    records_release_text(held);
}

static void warn_of_certificates(struct context *context)
{
    const struct pin_rule *rule = context->rule;
    unsigned line;
    for (size_t i = 0; i < rule->key_count; i++) {
        struct pinned pinned = {context, &rule->keys[i]};
        if (rule->keys[i].kind == KEY_PEM)
            certificate_each(context->crypto, rule->keys[i].pem, strlen(rule->keys[i].pem),
                             warn_of_certificate, &pinned, &line);
        else if (rule->keys[i].kind == KEY_ID)
            warn_of_record(&pinned);
    }
}

/* What can be presented of a rule. */
struct outlook {
    bool any_valid; /* one is valid now */
    int64_t last;   /* when the one ends that lasts longest */
    size_t usable;
};

static bool is_valid(const struct context *context, const struct credential *credential)
{
    return credential->not_before <= (int64_t)context->now && (int64_t)context->now < credential->not_after;
}

static const struct credential *acquire(const struct context *context, const struct candidate *candidate)
{
    char why[CREDENTIAL_WHY_SIZE];
    enum credential_fault fault;
    return credential_acquire(context->policy, &context->crypto->ossl, candidate, &fault, why);
}

static void look_out(const struct context *context, const struct upstream_rule *rule, struct outlook *outlook)
{
    *outlook = (struct outlook){.any_valid = false};
    for (size_t i = 0; i < rule->candidate_count; i++) {
        const struct credential *credential = acquire(context, &rule->candidates[i]);
        if (credential == NULL)
            continue;
        outlook->any_valid = outlook->any_valid || is_valid(context, credential);
        if (outlook->usable++ == 0 || credential->not_after > outlook->last)
            outlook->last = credential->not_after;
        credential_release(credential);
    }
}

/* A server that asks for a certificate gets one of them all the same. */
static void warn_of_all_expired(struct context *context, const struct upstream_rule *rule, int64_t end)
{
    char day[TEXT_TIME_SIZE];
    if (!may_tell(context))
        return;
    text_of_time((time_t)end, day);
    message_warning(
        "%s:%u: certificate: %s expired%s on %.10s, so servers may refuse it; get a new one, and name it "
        "here",
        rule->source.file, rule->source.line,
        rule->candidate_count == 1 ? "the client certificate" : "all client certificates of the rule have",
        rule->candidate_count == 1 ? "" : ", the last one", day);
}

/* One that is not valid now, where not all have expired. */
static void warn_of_invalid(struct context *context, const struct upstream_rule *rule,
                            const struct candidate *candidate, const struct credential *credential,
                            const struct outlook *outlook)
{
    bool begun = credential->not_before <= (int64_t)context->now;
    char day[TEXT_TIME_SIZE];
    if (!may_tell(context))
        return;
    text_of_time((time_t)(begun ? credential->not_after : credential->not_before), day);
    const char *words = !outlook->any_valid ? ", and no other one of the rule is valid now, so servers may "
                                              "refuse what they get; name one that is valid"
                        : begun
                            ? "; another one of the rule is valid now: remove this one"
                            : "; till then another one of the rule is presented, so there is nothing to do";
    message_warning("%s:%u: certificate: the client certificate %s %s %.10s%s", rule->source.file,
                    rule->source.line, candidate->name, begun ? "expired on" : "is not valid before", day,
                    words);
}

static void warn_of_end(struct context *context, const struct upstream_rule *rule,
                        const struct candidate *candidate, const struct credential *credential,
                        const struct outlook *outlook)
{
    char words[128];
    if (!describe_end(context, (time_t)credential->not_after, words, sizeof words) || !may_tell(context))
        return;
    message_warning("%s:%u: certificate: the client certificate %s expires (%s); %s", rule->source.file,
                    rule->source.line, candidate->name, words,
                    credential->not_after == outlook->last
                        ? "get the one that comes after it, and name it here too"
                        : "another one of the rule lasts longer: remove this one when no server needs it any "
                          "more");
}

static void warn_of_weakness(struct context *context, const struct upstream_rule *rule,
                             const struct candidate *candidate, const struct credential *credential)
{
    const char *fault = security_check_fault(context->security, credential);
    if (fault != NULL && may_tell(context))
        message_warning("%s:%u: certificate: the client certificate %s is weak: " SECURITY_NOT_TAKEN
                        "; have a stronger one made",
                        rule->source.file, rule->source.line, candidate->name, SECURITY_LEVEL, fault);
}

static void warn_of_candidate(struct context *context, const struct upstream_rule *rule,
                              const struct candidate *candidate, const struct outlook *outlook)
{
    const struct credential *credential = acquire(context, candidate);
    if (credential == NULL)
        return;
    if (is_valid(context, credential))
        warn_of_end(context, rule, candidate, credential, outlook);
    else if (outlook->last > (int64_t)context->now)
        warn_of_invalid(context, rule, candidate, credential, outlook);
    warn_of_weakness(context, rule, candidate, credential);
    credential_release(credential);
}

static void warn_of_candidates(struct context *context, const struct upstream_rule *rule)
{
    struct outlook outlook;
    if (rule->disabled || policy_upstream_mode(context->policy, rule) == MODE_OFF)
        return;
    look_out(context, rule, &outlook);
    if (outlook.usable > 0 && outlook.last <= (int64_t)context->now)
        warn_of_all_expired(context, rule, outlook.last);
    for (size_t i = 0; i < rule->candidate_count; i++)
        warn_of_candidate(context, rule, &rule->candidates[i], &outlook);
}

static void warn_of_client_certificates(struct context *context)
{
    const struct policy *policy = context->policy;
    struct security_check security;
    if (policy->candidate_count == 0)
        return;
    security_check_open(&security, &context->crypto->ossl);
    context->security = &security;
    for (size_t i = 0; i < policy->upstream_rule_count; i++)
        warn_of_candidates(context, policy->upstream_rules[i]);
    security_check_close(&security);
    context->security = NULL;
}

void warnings_tell(const struct policy_file *file, time_t now)
{
    const struct policy *policy = file->policy;
    struct context context = {.policy = policy,
                              .now = now,
                              .soon = (time_t)policy->expiry.threshold_days * DAY,
                              .crypto = &file->crypto};
    for (size_t i = 0; i < policy->pin_rule_count; i++) {
        context.rule = policy->pin_rules[i];
        if (context.rule->disabled || policy_rule_mode(policy, context.rule) == MODE_OFF)
            continue;
        warn_of_expiry(&context);
        if (context.rule->expires && now >= context.rule->expiry)
            continue;
        warn_of_one_key(&context);
        warn_of_certificates(&context);
    }
    warn_of_client_certificates(&context);
    if (context.found > WARNINGS_MAX)
        message_warning("%s: %zu more; mend these first, and check again", policy->path,
                        context.found - WARNINGS_MAX);
}
