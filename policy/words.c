#include "policy/words.h"

#include <stdio.h>

/* Nothing is wrong with the server: its chain was not shown. */
static void say_resumed(const char *at, char words[WORDS_SIZE])
{
    snprintf(words, WORDS_SIZE,
             "a session was resumed that was not verified as %s asks; connect again, the handshake will be a "
             "full one",
             at);
}

static void say_verification(const struct account *account, const struct judgement *judgement, const char *at,
                             const char *any_port, char words[WORDS_SIZE])
{
    const struct anchors *anchors = judgement->rule->anchors;
    if (account->resumed) {
        say_resumed(at, words);
        return;
    }
    snprintf(words, WORDS_SIZE,
             "the server's certificate does not verify, as %s requires%s: %s%s; check the certificate, its "
             "names, and ca_file",
             at, any_port, account->ossl->X509_verify_cert_error_string(judgement->error),
             anchors->file != NULL && anchors->file_text == NULL ? " (ca_file could not be read)" : "");
}

static void say_mismatch(const struct account *account, const struct judgement *judgement, const char *at,
                         const char *any_port, char words[WORDS_SIZE])
{
    char pin[PIN_TEXT_SIZE];
    if (account->evidence->pin == NULL) {
        snprintf(
            words, WORDS_SIZE,
            "the server's public key could not be read, and %s pins it%s; check the server's certificate", at,
            any_port);
        return;
    }
    if (account->resumed && judgement->rule->target == TARGET_CHAIN) {
        say_resumed(at, words);
        return;
    }
    pin_format(account->evidence->pin, pin);
    snprintf(words, WORDS_SIZE,
             "the server's public key is not one that %s pins%s; if its key was changed on purpose, add %s "
             "to keys",
             at, any_port, pin);
}

/*
 * The first key of a rule that the store gave no answer for. `why`: STORE_WHY_SIZE bytes. False: there is
 * none.
 */
static bool find_unanswered(const struct account *account, const struct pin_rule *rule, char *why)
{
    struct records *records = account->requirement->policy->records;
    const struct pin *pin;
    for (size_t i = 0; records != NULL && i < rule->key_count; i++) {
        if (rule->keys[i].kind == KEY_ID &&
            records_pin(records, rule->keys[i].name, &pin, why) == RECORDS_FAILED)
            return true;
    }
    return false;
}

static void say_unresolved(const struct account *account, const struct pin_rule *rule, const char *at,
                           const char *any_port, char words[WORDS_SIZE])
{
    char why[STORE_WHY_SIZE];
    if (find_unanswered(account, rule, why))
        snprintf(words, WORDS_SIZE,
                 "none of the keys of %s can be read%s, for the certificate store did not answer: %.360s", at,
                 any_port, why);
    else
        snprintf(words, WORDS_SIZE, "none of the keys of %s can be read%s; check the paths and ids in it", at,
                 any_port);
}

void words_of_judgement(const struct account *account, const struct judgement *judgement,
                        char words[WORDS_SIZE])
{
    const struct pin_rule *rule = judgement->rule;
    const char *any_port = account->requirement->match.any_port
                               ? " (its port is not known for sure, so the rules for other ports of it count)"
                               : "";
    char at[512];
    snprintf(at, sizeof at, "the rule %s:%u", rule->source.file, rule->source.line);
    switch (judgement->reason) {
    case REASON_NO_CERTIFICATE:
        snprintf(
            words, WORDS_SIZE,
            "the server showed no certificate, and %s pins its key%s; check that this is the server that "
            "you mean",
            at, any_port);
        break;
    case REASON_UNRESOLVED:
        say_unresolved(account, judgement->rule, at, any_port, words);
        break;
    case REASON_EXPIRED:
        snprintf(words, WORDS_SIZE,
                 "the keys of %s have expired%s; write those that the server has now, and a new date in "
                 "expires",
                 at, any_port);
        break;
    case REASON_VERSION:
        snprintf(words, WORDS_SIZE,
                 "the connection is TLS %s, and %s asks for %s%s; let the server offer it, or lower "
                 "min_version",
                 tls_version_name(account->evidence->version), at, tls_version_name(rule->min_version),
                 any_port);
        break;
    case REASON_VERIFICATION:
        say_verification(account, judgement, at, any_port, words);
        break;
    default:
        say_mismatch(account, judgement, at, any_port, words);
        break;
    }
}

void words_of_unknown(bool named, enum about about, char words[WORDS_SIZE])
{
    const char *what = about == ABOUT_REFUSE ? "refuse" : "report";
    if (named)
        snprintf(words, WORDS_SIZE,
                 "no rule is for this server, and unmatched = \"%s\"; add a rule if it is one that you mean",
                 what);
    else
        snprintf(words, WORDS_SIZE,
                 "no rule is for it, and unnamed = \"%s\"; add a rule for its address or for \"*\"", what);
}
