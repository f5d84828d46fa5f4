#include "cli/explanation_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/security_level.h"
#include "policy/text.h"

/* What a walk over patterns needs. */
struct collector {
    struct client_explained *explained;
    const struct section *section;
    const struct peer *peer;
    bool failed; /* memory is short */
};

static bool take_first(void *rule, const struct domain *pattern, void *context)
{
    struct client_led *led = context;
    *led = (struct client_led){rule, *pattern};
    return true;
}

/* Also where the mode of the rule is off: that is the answer then. */
static void find(const struct policy *policy, const struct section *section, const struct domain *name,
                 uint16_t port, struct client_led *led)
{
    led->rule = NULL;
    if (section != NULL)
        rule_index_each(&section->upstream, name, port, take_first, led);
    if (led->rule == NULL)
        rule_index_each(&policy->upstream, name, port, take_first, led);
}

/* Would this rule apply, if the port were that of its pattern? */
static bool add_with_port(void *rule, const struct domain *pattern, void *context)
{
    struct collector *collector = context;
    struct client_explained *explained = collector->explained;
    struct client_led led;
    find(explained->policy, collector->section, &collector->peer->names[0].domain, pattern->port, &led);
    if (led.rule != rule || led.pattern.kind != pattern->kind || led.pattern.port != pattern->port)
        return false;
    struct client_led *items =
        reallocarray(explained->with_port, explained->with_port_count + 1, sizeof *items);
    if (items == NULL) {
        collector->failed = true;
        return true;
    }
    items[explained->with_port_count++] = led;
    explained->with_port = items;
    return false;
}

static bool choose(struct client_explained *explained, const struct ossl *ossl, time_t now)
{
    const struct upstream_rule *rule = explained->led.rule;
    const struct upstream_demand demand = {.ossl = ossl, .now = now};
    if (rule == NULL || policy_upstream_mode(explained->policy, rule) == MODE_OFF)
        return true;
    if (!upstream_choose(explained->policy, rule, &demand, &explained->choice))
        return false;
    if (explained->choice.chosen != NULL) {
        struct security_check check;
        security_check_open(&check, ossl);
        explained->not_taken = security_check_fault(&check, explained->choice.chosen->credential);
        security_check_close(&check);
    }
    return true;
}

bool client_explain(struct client_explained *explained, const struct policy *policy,
                    const struct section *section, const struct peer *peer, const struct ossl *ossl,
                    time_t now)
{
    struct collector collector = {explained, section, peer, false};
    const struct domain *name = &peer->names[0].domain;
    *explained = (struct client_explained){.policy = policy, .now = now};
    find(policy, section, name, peer->port, &explained->led);
    if (explained->led.rule != NULL && explained->led.pattern.port != 0)
        find(policy, section, name, 0, &explained->without_port);
    if (section != NULL && explained->led.rule != NULL) {
        struct client_led own = {.rule = NULL};
        rule_index_each(&section->upstream, name, peer->port, take_first, &own);
        explained->of_section = own.rule != NULL;
    }
    if (peer->port == 0 && section != NULL)
        rule_index_each_port(&section->upstream, name, add_with_port, &collector);
    if (peer->port == 0)
        rule_index_each_port(&policy->upstream, name, add_with_port, &collector);
    return !collector.failed && choose(explained, ossl, now);
}

void client_explained_free(struct client_explained *explained)
{
    upstream_choice_free(&explained->choice);
    free(explained->with_port);
}

/* Offline it is not known which CAs a server names; they choose where several could be presented. */
static bool is_one_of_several(const struct upstream_choice *choice)
{
    size_t usable = 0;
    for (size_t i = 0; i < choice->count; i++)
        usable += choice->items[i].credential != NULL;
    return usable > 1;
}

void client_validity(const struct client_explained *explained, char text[CLIENT_VALIDITY_SIZE])
{
    const struct credential *credential = explained->choice.chosen->credential;
    bool begun = credential->not_before <= (int64_t)explained->now;
    char day[TEXT_TIME_SIZE];
    text[0] = '\0';
    if (begun && (int64_t)explained->now <= credential->not_after)
        return;
    text_of_time((time_t)(begun ? credential->not_after : credential->not_before), day);
    snprintf(text, CLIENT_VALIDITY_SIZE, "%s %.10s", begun ? "expired on" : "is not valid before", day);
}

void client_reason(const struct upstream_considered *item, char words[UPSTREAM_WORDS_SIZE])
{
    const char *name = item->candidate->name;
    size_t length = strlen(name);
    upstream_words(item, words);
    if (strncmp(words, name, length) == 0 && words[length] == ' ')
        memmove(words, words + length + 1, strlen(words + length + 1) + 1);
}

/* Which one a server gets that asks for a certificate. */
static void say_chosen(const struct client_explained *explained, const char *own,
                       char text[CLIENT_OUTCOME_SIZE])
{
    char validity[CLIENT_VALIDITY_SIZE];
    client_validity(explained, validity);
    snprintf(text, CLIENT_OUTCOME_SIZE, "a server that asks for a certificate gets %.700s%s%s%s%s",
             explained->choice.chosen->candidate->name, validity[0] == '\0' ? "" : ", which ", validity,
             is_one_of_several(&explained->choice)
                 ? ", or another one where that alone fits the CAs and kinds of keys that it names"
                 : ", if it accepts that kind of key",
             own);
}

void client_outcome(const struct client_explained *explained, char text[CLIENT_OUTCOME_SIZE])
{
    const struct upstream_rule *rule = explained->led.rule;
    const struct upstream_considered *chosen = explained->choice.chosen;
    enum mode mode = policy_upstream_mode(explained->policy, rule);
    const char *own = rule->keep_program_certificate ? ", unless the program has set one of its own" : "";
    if (mode == MODE_OFF)
        snprintf(text, CLIENT_OUTCOME_SIZE, "the program does as it would, for the mode is off");
    else if (mode == MODE_REPORT)
        snprintf(text, CLIENT_OUTCOME_SIZE, "the program does as it would, for the mode is report");
    else if (chosen != NULL)
        say_chosen(explained, own, text);
    else if (rule->required)
        snprintf(text, CLIENT_OUTCOME_SIZE,
                 "a server that asks for a certificate is refused, for none can be used%s", own);
    else
        snprintf(text, CLIENT_OUTCOME_SIZE,
                 "the program does as it would, for none can be used, and none is required");
}

bool client_lacks_store(const struct client_explained *explained)
{
    for (size_t i = 0; i < explained->choice.count; i++) {
        const struct upstream_considered *item = &explained->choice.items[i];
        if (item->verdict == UPSTREAM_UNUSABLE && item->fault == CREDENTIAL_NO_ANSWER)
            return true;
    }
    return false;
}
