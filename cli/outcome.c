/* What comes of it, in words: asked of judge() with servers of every kind, so that it cannot differ. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/explanation.h"
#include "policy/text.h"

/* What can be said of a server's certificate beside its key. */
struct stance {
    bool verifies;
    bool chained; /* its verified chain has a pinned key */
};

static bool has_pinned_chain(void *context, const struct pin_rule *rule)
{
    const struct stance *stance = context;
    (void)rule;
    return stance->chained;
}

static int verifies(void *context, const struct pin_rule *rule, const struct domain *name)
{
    const struct stance *stance = context;
    (void)rule;
    (void)name;
    return stance->verifies ? 0 : JUDGE_UNVERIFIED;
}

/* Without a pin: a key that is none of the pinned ones. */
static void ask(const struct explanation *explanation, const struct pin *pin, enum tls_version version,
                struct stance stance, struct judgement *judgement)
{
    const struct proof proof = {.chain = has_pinned_chain, .require = verifies, .context = &stance};
    const struct evidence evidence = {
        .has_key = true,
        .pin = pin,
        .version = version,
        .now = explanation->now,
        .proof = &proof,
    };
    judge(&explanation->requirement, &evidence, judgement);
}

static void ask_of_another(const struct explanation *explanation, struct judgement *judgement)
{
    ask(explanation, NULL, TLS_1_3, (struct stance){.verifies = true}, judgement);
}

const struct pin_rule *explanation_decider(const struct explanation *explanation)
{
    struct judgement judgement;
    ask_of_another(explanation, &judgement);
    return judgement.rule;
}

/* The keys of all rules that apply, and the best that a server can show: a pinned key that is admitted. */
struct best {
    const struct explanation *explanation;
    size_t rules;          /* that have keys */
    size_t past;           /* of them: those whose keys have expired */
    bool of_leaf;          /* some that count have this target, */
    bool of_chain;         /* or this */
    bool usable;           /* some that count could be read */
    const struct pin *pin; /* NULL: there is none */
};

static void try_keys(struct best *best, const struct pin_rule *rule)
{
    struct judgement judgement;
    for (size_t i = 0; i < rule->key_count && best->pin == NULL; i++) {
        const struct pin *pin = policy_key_pin(best->explanation->policy, &rule->keys[i]);
        if (pin == NULL)
            continue;
        best->usable = true;
        ask(best->explanation, pin, TLS_1_3, (struct stance){.verifies = true}, &judgement);
        if (judgement.reason == REASON_NONE)
            best->pin = pin;
    }
}

/* Keys that have expired count only where all have. */
static void survey(struct best *best)
{
    const struct rule_list *rules = &best->explanation->rules;
    for (size_t i = 0; i < rules->count; i++) {
        best->rules += rules->items[i].rule->key_count > 0;
        best->past += explanation_is_past(best->explanation, rules->items[i].rule);
    }
    for (size_t i = 0; i < rules->count; i++) {
        const struct pin_rule *rule = rules->items[i].rule;
        bool counts = !explanation_is_past(best->explanation, rule) || best->past == best->rules;
        if (rule->key_count == 0 || !counts)
            continue;
        best->of_chain = best->of_chain || rule->target == TARGET_CHAIN;
        best->of_leaf = best->of_leaf || rule->target == TARGET_LEAF;
        try_keys(best, rule);
    }
}

/* What the best server meets that lacks in the version or in what verifies. */
static void ask_of_best(const struct best *best, enum tls_version version, bool is_verified,
                        struct judgement *judgement)
{
    struct stance stance = {.verifies = is_verified, .chained = best->pin == NULL};
    ask(best->explanation, best->pin, version, stance, judgement);
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

static void say_expired(const struct best *best, const struct pin_rule *rule, char text[OUTCOME_SIZE])
{
    size_t used = strlen(text);
    char day[TEXT_TIME_SIZE];
    if (best->past == 0)
        return;
    text_of_time(rule->expiry, day);
    if (best->past < best->rules)
        snprintf(text + used, OUTCOME_SIZE - used, " (keys that have expired do not count)");
    else if (best->rules > 1)
        snprintf(text + used, OUTCOME_SIZE - used, " (the keys have expired)");
    else
        snprintf(text + used, OUTCOME_SIZE - used, " (the keys have expired on %.10s)", day);
}

/* True: every server meets with it, so there is no more to say. */
static bool say_keys(const struct best *best, char text[OUTCOME_SIZE])
{
    struct judgement other;
    char day[TEXT_TIME_SIZE];
    if (best->rules == 0)
        return false;
    ask_of_another(best->explanation, &other);
    if (other.reason == REASON_EXPIRED) {
        text_of_time(other.rule->expiry, day);
        say(text, "every server is %s, whatever its key is, for the keys have expired on %.10s", fate(&other),
            day);
        return true;
    }
    if (!best->usable) {
        say(text, "every server is %s, for none of the keys can be read", fate(&other));
        say_expired(best, other.rule, text);
        return true;
    }
    if (!best->of_chain)
        say(text, "a server with another key is %s", fate(&other));
    else if (!best->of_leaf)
        say(text, "a server whose verified chain has none of these keys is %s", fate(&other));
    else
        say(text,
            "a server with another key, whose verified chain has no key of the rules with target chain "
            "either, is %s",
            fate(&other));
    say_expired(best, other.rule, text);
    return false;
}

/* From the newest version down, as far as it becomes worse. */
static void say_versions(const struct best *best, char text[OUTCOME_SIZE])
{
    enum mode said = MODE_OFF;
    for (enum tls_version version = TLS_1_3; version > TLS_OLDER; version--) {
        struct judgement judgement;
        ask_of_best(best, version - 1, true, &judgement);
        if (judgement.reason != REASON_VERSION || judgement.mode == said)
            continue;
        say(text, "one that speaks an older TLS than %s is %s", tls_version_name(version), fate(&judgement));
        said = judgement.mode;
    }
}

static void say_the_rest(const struct best *best, char text[OUTCOME_SIZE])
{
    struct judgement judgement;
    say_versions(best, text);
    ask_of_best(best, TLS_1_3, false, &judgement);
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

/* Of a peer without a name a rule for client certificates is a rule too, and none for its key. */
static void say_client_counts(const struct explanation *explanation, char text[OUTCOME_SIZE])
{
    enum about unmatched = explanation_about(explanation, true);
    if (explanation->peer.names[0].domain.kind == DOMAIN_ALL || unmatched == ABOUT_ALLOW)
        say(text, "the server is not checked, for only a rule for client certificates matches it");
    else
        snprintf(
            text, OUTCOME_SIZE,
            "only a rule for client certificates matches it: where the program has the address verified, "
            "or sends it as a name, %s; else the server is not checked",
            about_words(unmatched));
}

/* An address may be verified by the program, and then is a name. */
static void say_unmatched(const struct explanation *explanation, char text[OUTCOME_SIZE])
{
    enum about unmatched = explanation_about(explanation, true);
    enum about unnamed = explanation_about(explanation, false);
    enum domain_kind kind = explanation->peer.names[0].domain.kind;
    if (kind != DOMAIN_NAME && explanation_counts_client(explanation))
        say_client_counts(explanation, text);
    else if (kind == DOMAIN_NAME || (kind == DOMAIN_ADDRESS && unmatched == unnamed))
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
    survey(&best);
    if (!say_keys(&best, text))
        say_the_rest(&best, text);
}
