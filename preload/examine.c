#include "preload/examine.h"

#include <time.h>

#include "policy/leaves.h"
#include "policy/verify.h"
#include "preload/fetch.h"
#include "preload/peername.h"
#include "preload/process.h"
#include "preload/proof.h"
#include "preload/tell.h"

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

static bool has_rule(const struct rule_index *index, const struct domain *name)
{
    struct rule_match match;
    rule_index_find(index, name, 0, false, &match);
    return match.rule != NULL;
}

static bool are_for_addresses(const struct snapshot *snapshot)
{
    return rule_index_has_addresses(&snapshot->policy->pins) ||
           (snapshot->section != NULL && rule_index_has_addresses(&snapshot->section->pins));
}

/* The address leads to the port too (policy of `domain:port`), whichever rules there are for it. */
static bool address_counts(const struct snapshot *snapshot)
{
    return are_for_addresses(snapshot) || rule_index_has_port(&snapshot->policy->pins) ||
           (snapshot->section != NULL && rule_index_has_port(&snapshot->section->pins));
}

/*
 * Is it certain, without finding out all about a peer, that no rule is for it, whatever its port? So it is
 * with most peers; and nothing is allocated for them. An address that the program verifies beside names is
 * left out, and matches nothing where no rule is for addresses. `hosts`: see peer_find_hosts().
 */
static bool has_no_rule(const struct snapshot *snapshot, const struct peer *hosts)
{
    if (are_for_addresses(snapshot) || hosts->name_count == 0 || hosts->name_count == PEER_NAMES_MAX ||
        hosts->names_left_out)
        return false;
    for (size_t i = 0; i < hosts->name_count; i++) {
        const struct domain *name = &hosts->names[i].domain;
        if (has_rule(&snapshot->policy->pins, name) ||
            (snapshot->section != NULL && has_rule(&snapshot->section->pins, name)))
            return false;
    }
    return true;
}

/* Of the key that the peer shows; none where it shows none, or memory is short. */
static void find_pin(const struct showing *showing, struct examination *e)
{
    const struct ossl *ossl = &showing->libssl->fn;
    if (showing->leaf != NULL)
        e->known = leaves_find(showing->snapshot->policy, ossl, showing->leaf);
    e->has_pin = e->known != NULL;
    if (e->has_pin) {
        e->pin = e->known->pin;
        return;
    }
    ossl->ERR_set_mark();
    if (showing->leaf != NULL)
        e->has_pin = ossl_pin_of_certificate(ossl, showing->leaf, &e->pin);
    else if (showing->raw_key != NULL)
        e->has_pin = ossl_pin_of_pkey(ossl, showing->raw_key, &e->pin);
    ossl->ERR_pop_to_mark();
}

/* False: no rule is for the peer. */
static bool begin(const struct showing *showing, struct examination *e)
{
    const struct snapshot *snapshot = showing->snapshot;
    e->showing = showing;
    e->has_pin = false;
    e->known = NULL;
    peer_find_hosts(showing->libssl, showing->ssl, &e->peer);
    if (has_no_rule(snapshot, &e->peer))
        return false;
    peer_find_rest(showing->libssl, showing->ssl, address_counts(snapshot), &e->peer);
    e->count = judge_requirements(snapshot->policy, snapshot->section, &e->peer, e->requirements, NULL);
    if (e->count == 0)
        return true;
    fetch_records(showing, e->requirements, e->count);
    find_pin(showing, e);
    e->proof = proof_for(showing);
    e->evidence = (struct evidence){
        .has_key = showing->leaf != NULL || showing->raw_key != NULL,
        .pin = e->has_pin ? &e->pin : NULL,
        .version = tls_version_of(showing->version),
        .now = time(NULL),
        .proof = &e->proof,
    };
    return true;
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

/*
 * Only where it is certain whom the pinned key was for. Programs that have OpenSSL verify the name would take
 * another name too, so that is verified here.
 */
static bool may_loosen(const struct showing *showing)
{
    const struct ossl *ossl = &showing->libssl->fn;
    struct peer peer;
    peer_find(showing->libssl, showing->ssl, &peer); /* an address that is verified is a name too */
    if (peer.name_count != 1 || peer.names_left_out || showing->leaf == NULL)
        return false;
    if (!peer.is_verified)
        return true;
    unsigned flags = ossl->X509_VERIFY_PARAM_get_hostflags(ossl->SSL_get0_param(showing->ssl));
    return verify_name(ossl, showing->leaf, &peer.names[0].domain, flags);
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
    enum mode mode = strictest_mode(e->showing->snapshot->policy);
    if (mode == MODE_OFF)
        return;
    enum outcome outcome = mode == MODE_ENFORCE ? OUTCOME_REFUSED : OUTCOME_REPORTED;
    if (!e->showing->quiet)
        tell_names_left_out(e, mode, examined->outcome == OUTCOME_REFUSED);
    if (outcome > examined->outcome)
        examined->outcome = outcome;
}

void examine_peer(const struct showing *showing, struct examined *examined)
{
    struct examination e;
    bool loosens = false;
    *examined = (struct examined){.outcome = OUTCOME_NO_RULE, .error = OSSL_V_ERR_APPLICATION_VERIFICATION};
    if (!begin(showing, &e))
        return;
    for (size_t i = 0; i < e.count; i++) {
        struct judgement judgement;
        judge(&e.requirements[i], &e.evidence, &judgement);
        if (is_not_known(showing, &judgement))
            judgement.reason = REASON_NONE;
        enum outcome outcome = outcome_of(&judgement);
        if (!showing->quiet)
            tell_judgement(&e, &e.requirements[i], &judgement, outcome, examined->outcome == OUTCOME_REFUSED);
        if (outcome == OUTCOME_REFUSED && examined->outcome != OUTCOME_REFUSED && judgement.error != 0)
            examined->error = judgement.error;
        if (outcome > examined->outcome)
            examined->outcome = outcome;
        loosens = loosens || judgement.loosens;
    }
    if (e.peer.names_left_out)
        examine_names_left_out(&e, examined);
    examined->known = e.known;
    examined->loosens = loosens && examined->outcome == OUTCOME_ADMITTED && may_loosen(showing);
}

enum about examine_unknown(const struct snapshot *snapshot, const struct libssl *libssl, const SSL *ssl)
{
    const struct policy *policy = snapshot->policy;
    struct peer peer;
    if (snapshot->state != POLICY_LOADED || policy->mode == MODE_OFF ||
        (policy->unmatched == ABOUT_ALLOW && policy->unnamed == ABOUT_ALLOW))
        return ABOUT_ALLOW;
    /* In every handshake three times, and nearly all have a name. */
    if (policy->unmatched == ABOUT_ALLOW && peer_has_sni(libssl, ssl))
        return ABOUT_ALLOW;
    peer_find(libssl, ssl, &peer);
    return judge_unknown(policy, snapshot->section, &peer);
}
