/* What comes of it, in words: asked of judge() with servers of every kind, so that it cannot differ. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/explanation.h"
#include "policy/text.h"

/* A server whose certificate verifies, or does not. Its chain has no pinned key but the leaf's. */
static bool has_no_pinned_chain(void *context, const struct pin_rule *rule)
{
    (void)context;
    (void)rule;
    return false;
}

static int verifies(void *context, const struct pin_rule *rule, const struct domain *name)
{
    const bool *does = context;
    (void)rule;
    (void)name;
    return *does ? 0 : JUDGE_UNVERIFIED;
}

static void ask(const struct explanation *explanation, const struct pin *pin, enum tls_version version,
                bool is_verified, struct judgement *judgement)
{
    const struct proof proof = {.chain = has_no_pinned_chain, .require = verifies, .context = &is_verified};
    /* Without a pin: a key that is none of the pinned ones. */
    const struct evidence evidence = {
        .has_key = true,
        .pin = pin,
        .version = version,
        .now = explanation->now,
        .proof = &proof,
    };
    judge(&explanation->requirement, &evidence, judgement);
}

/* The best that a server can show: a pinned key that is admitted. */
struct best {
    const struct explanation *explanation;
    bool has_keys;
    bool has_pins;
    const struct pin *pin; /* NULL: there is none */
};

static bool try_key(const struct pin_rule *rule, const struct key *key, void *context)
{
    struct best *best = context;
    struct judgement judgement;
    const struct pin *pin = policy_key_pin(best->explanation->policy, key);
    (void)rule;
    best->has_keys = true;
    best->has_pins = best->has_pins || pin != NULL;
    if (pin != NULL) {
        ask(best->explanation, pin, TLS_1_3, true, &judgement);
        if (judgement.reason == REASON_NONE)
            best->pin = pin;
    }
    return best->pin != NULL;
}

/* Another part of the sentence. */
__attribute__((format(printf, 2, 3))) static void say(char text[OUTCOME_SIZE], const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    if (used > 0 && used + 6 < OUTCOME_SIZE) {
        memcpy(text + used, ", and ", 7);
        used += 6;
    }
    va_start(arguments, format);
    vsnprintf(text + used, OUTCOME_SIZE - used, format, arguments);
    va_end(arguments);
}

static const char *fate(const struct judgement *judgement)
{
    return judgement->mode == MODE_ENFORCE ? "refused" : "only reported";
}

/* True: every server meets with it, so there is no more to say. */
static bool say_keys(const struct best *best, char text[OUTCOME_SIZE])
{
    struct judgement other;
    char day[TEXT_TIME_SIZE];
    ask(best->explanation, NULL, TLS_1_3, true, &other);
    if (!best->has_keys)
        return false;
    text_of_time(other.rule->expiry, day);
    bool past = explanation_is_past(best->explanation, other.rule);
    if (other.reason == REASON_EXPIRED) {
        say(text, "every server is %s, whatever its key is, for the keys have expired on %.10s", fate(&other),
            day);
        return true;
    }
    if (!best->has_pins) {
        say(text, "every server is %s, for none of the keys can be read", fate(&other));
        return true;
    }
    if (other.rule->target == TARGET_CHAIN)
        say(text, "a server whose verified chain has none of these keys is %s", fate(&other));
    else
        say(text, "a server with another key is %s", fate(&other));
    if (past) {
        size_t used = strlen(text);
        snprintf(text + used, OUTCOME_SIZE - used, " (the keys have expired on %.10s)", day);
    }
    return false;
}

static void say_the_rest(const struct best *best, char text[OUTCOME_SIZE])
{
    struct judgement judgement;
    ask(best->explanation, best->pin, TLS_OLDER, true, &judgement);
    if (judgement.reason == REASON_VERSION)
        say(text, "one that speaks an older TLS than %s is %s", tls_version_name(judgement.rule->min_version),
            fate(&judgement));
    ask(best->explanation, best->pin, TLS_1_3, false, &judgement);
    if (judgement.reason == REASON_VERIFICATION)
        say(text, "one whose certificate does not verify is %s", fate(&judgement));
    else if (judgement.loosens)
        say(text, "one with a key of the rule is admitted even if its certificate does not verify");
}

static const char *about_words(enum about about)
{
    static const char *const words[] = {
        [ABOUT_ALLOW] = "the server is not checked",
        [ABOUT_REPORT] = "the server is not checked, and the connection is reported",
        [ABOUT_REFUSE] = "the connection is refused",
    };
    return words[about];
}

/* An address may be verified by the program, and then is a name. */
static void say_unmatched(const struct explanation *explanation, char text[OUTCOME_SIZE])
{
    enum about unmatched = explanation_about(explanation, true);
    enum about unnamed = explanation_about(explanation, false);
    enum domain_kind kind = explanation->peer.names[0].domain.kind;
    if (kind == DOMAIN_NAME || (kind == DOMAIN_ADDRESS && unmatched == unnamed))
        say(text, "%s, for no rule matches it", about_words(unmatched));
    else if (kind == DOMAIN_ALL)
        say(text, "%s, for no name is known and no rule matches it", about_words(unnamed));
    else
        snprintf(text, OUTCOME_SIZE,
                 "no rule matches it: where the program has the address verified, or sends it as a name, %s; "
                 "else %s",
                 about_words(unmatched), about_words(unnamed));
}

void explanation_outcome(const struct explanation *explanation, char text[OUTCOME_SIZE])
{
    struct best best = {.explanation = explanation};
    text[0] = '\0';
    if (!explanation->has_rule) {
        say_unmatched(explanation, text);
        return;
    }
    if (explanation->requirement.mode == MODE_OFF) {
        say(text, "the server is not checked, for the mode is off");
        return;
    }
    requirement_each_key(&explanation->requirement, try_key, &best);
    if (!say_keys(&best, text))
        say_the_rest(&best, text);
}
