#include "cli/warnings.h"

#include <stdio.h>
#include <string.h>

#include "cli/candidates.h"
#include "cli/certificate.h"
#include "cli/message.h"
#include "policy/text.h"

enum { DAY = 86400, SOON = 30 * DAY };

/* More than these are counted, and not shown: nobody reads on. */
enum { WARNINGS_MAX = 20 };

struct context {
    const struct policy *policy;
    const struct pin_rule *rule;
    time_t now;
    const struct crypto *crypto;
    size_t found;
};

static bool may_tell(struct context *context)
{
    return ++context->found <= WARNINGS_MAX;
}

/* "2026-12-31 is past", "... is today", "... is in 1 day". False: it is further off than a warning is for. */
static bool describe_day(time_t when, time_t now, char *words, size_t size)
{
    char day[TEXT_TIME_SIZE];
    text_of_time(when, day);
    long days = (long)((when - now + DAY - 1) / DAY);
    if (when <= now)
        snprintf(words, size, "%.10s is past", day);
    else if (when - now <= SOON)
        snprintf(words, size, "%.10s is in %ld day%s", day, days, days == 1 ? "" : "s");
    else
        return false;
    return true;
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
    if (!rule->expires || !describe_day(rule->expiry, context->now, words, sizeof words) ||
        !may_tell(context))
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
    if (certificate->expires &&
        describe_day(certificate->not_after, pinned->context->now, words, sizeof words) &&
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

/* A server that asks for a certificate gets one of them all the same. */
static void warn_of_expired_candidates(struct context *context, const struct upstream_rule *rule)
{
    char day[TEXT_TIME_SIZE];
    int64_t end;
    if (rule->disabled || policy_upstream_mode(context->policy, rule) == MODE_OFF ||
        !candidates_last_end(context->policy, &context->crypto->ossl, rule, &end) || end > context->now ||
        !may_tell(context))
        return;
    text_of_time((time_t)end, day);
    message_warning(
        "%s:%u: certificate: %s expired%s on %.10s, so servers may refuse it; get a new one, and name it "
        "here",
        rule->source.file, rule->source.line,
        rule->candidate_count == 1 ? "the client certificate" : "all client certificates of the rule have",
        rule->candidate_count == 1 ? "" : ", the last one", day);
}

void warnings_tell(const struct policy_file *file, time_t now)
{
    const struct policy *policy = file->policy;
    struct context context = {.policy = policy, .now = now, .crypto = &file->crypto};
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
    for (size_t i = 0; i < policy->upstream_rule_count; i++)
        warn_of_expired_candidates(&context, policy->upstream_rules[i]);
    if (context.found > WARNINGS_MAX)
        message_warning("%s: %zu more; mend these first, and check again", policy->path,
                        context.found - WARNINGS_MAX);
}
