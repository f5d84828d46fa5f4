#include "preload/upstream_tell.h"

#include <stdio.h>
#include <string.h>

#include "policy/text.h"
#include "preload/process.h"
#include "preload/refuse.h"
#include "preload/tell.h"

#define LINE_SIZE 3072
/* Room for what follows the candidates. */
#define TAIL_SIZE 192

struct line {
    size_t used;
    char text[LINE_SIZE];
};

static void add(struct line *line, size_t limit, const char *first, const char *second, const char *third)
{
    snprintf(line->text + line->used, limit - line->used, "%s%s%s", first, second, third);
    line->used = strlen(line->text);
}

static bool is_not_taken(const struct not_taken *not_taken, const struct upstream_considered *item)
{
    for (size_t i = 0; not_taken != NULL && i < not_taken->count; i++) {
        if (item->credential != NULL && not_taken->credentials[i] == item->credential)
            return true;
    }
    return false;
}

static void add_candidates(struct line *line, const struct upstream_choice *choice,
                           const struct not_taken *not_taken)
{
    char words[UPSTREAM_WORDS_SIZE];
    for (size_t i = 0; i < choice->count; i++) {
        const struct upstream_considered *item = &choice->items[i];
        if (is_not_taken(not_taken, item))
            snprintf(
                words, sizeof words,
                "the program's OpenSSL does not take it; see its security level, and the length of the keys");
        else
            upstream_words(item, words);
        if (line->used + strlen(item->candidate->name) + strlen(words) + sizeof ": ; " >
            LINE_SIZE - TAIL_SIZE) {
            snprintf(line->text + line->used, LINE_SIZE - line->used, "; and %zu more", choice->count - i);
            line->used = strlen(line->text);
            return;
        }
        add(line, LINE_SIZE - TAIL_SIZE, i == 0 ? "" : "; ", item->candidate->name, ": ");
        add(line, LINE_SIZE - TAIL_SIZE, words, "", "");
    }
}

/* Why there is none. */
static void add_reason(struct line *line, const struct asking *asking, const struct upstream_choice *choice,
                       const struct not_taken *not_taken, const char *instead)
{
    if (instead != NULL)
        add(line, LINE_SIZE - TAIL_SIZE, instead, "", "");
    else if (asking->answer == UPSTREAM_GUESSED && asking->peer.may_be_proxy)
        add(line, LINE_SIZE - TAIL_SIZE,
            "the address may be that of a proxy, for something came from it before the handshake; let the "
            "program send the name (SNI)",
            "", "");
    else if (asking->answer == UPSTREAM_GUESSED && asking->peer.is_concluded)
        add(line, LINE_SIZE - TAIL_SIZE,
            "OpenSSL has no socket of the connection, and several connections of the program may be meant; "
            "let the program send the name (SNI)",
            "", "");
    else if (asking->answer == UPSTREAM_GUESSED)
        add(line, LINE_SIZE - TAIL_SIZE, "its name is only guessed from what the resolver gave for ",
            asking->peer.address[0] == '\0' ? "the address" : asking->peer.address,
            ", and other names may lead there too; let the program send the name (SNI), or write a rule for "
            "the "
            "address");
    else if (asking->answer == UPSTREAM_SEVERAL)
        add(line, LINE_SIZE - TAIL_SIZE,
            "the names that the program gives lead to different rules; let one rule list them all", "", "");
    else if (choice == NULL)
        add(line, LINE_SIZE - TAIL_SIZE, "there is not enough memory", "", "");
    else
        add_candidates(line, choice, not_taken);
}

void upstream_tell_unavailable(const struct asking *asking, const struct upstream_choice *choice,
                               const struct not_taken *not_taken, const char *instead)
{
    char domain[DOMAIN_TEXT_SIZE];
    struct line line = {.used = 0};
    const struct upstream_rule *rule = asking->found.rule;
    const struct peer_name *name = asking->found.name;
    bool named = name->domain.kind != DOMAIN_ALL;
    bool refused = rule->required && asking->mode == MODE_ENFORCE;
    domain_format(&name->domain, domain);
    snprintf(
        line.text, sizeof line.text,
        "%s: the server asks for a client certificate, and none of those in the rule %s:%u can be shown: ",
        named ? domain : "a server without a name", rule->source.file, rule->source.line);
    line.used = strlen(line.text);
    add_reason(&line, asking, choice, not_taken, instead);
    bool mendable =
        instead == NULL && asking->answer != UPSTREAM_GUESSED && asking->answer != UPSTREAM_SEVERAL;
    add(&line, LINE_SIZE, refused && mendable ? "; mend one of them, or set 'required' to false" : "",
        refused ? "" : "; the program goes on as it would without the rule", "");
    text_for_terminal(line.text);
    struct connection *connection = connection_of(asking->libssl, asking->ssl);
    struct event event = {
        .kind = EVENT_CLIENT_CERTIFICATE_UNAVAILABLE,
        .message = line.text,
        .domain = named ? domain : NULL,
        .port = asking->peer.port,
        .peer_address = asking->peer.address,
        .rule = &rule->source,
        .mode = asking->mode,
        .wait = connection == NULL ? NULL : &connection->wait,
    };
    snapshot_raise(asking->snapshot, &event);
    if (refused)
        refuse_for_certificate(asking->libssl, line.text);
    upstream_tell(
        asking,
        refused ? "refused, no client certificate can be shown" : "no client certificate can be shown", NULL);
}

void upstream_tell(const struct asking *asking, const char *what, const char *reference)
{
    char outcome[1024];
    if (process_reporter()->level < LOG_LEVEL_INFO)
        return;
    snprintf(outcome, sizeof outcome, "%s%s%s", what, reference == NULL ? "" : " ",
             reference == NULL ? "" : reference);
    text_for_terminal(outcome);
    tell_line(&asking->peer, asking->found.name, &asking->found.rule->source, outcome);
}
