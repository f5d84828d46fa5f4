#include "policy/monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "policy/cooldown.h"
#include "policy/expiry.h"
#include "policy/names.h"
#include "policy/openssl.h"
#include "policy/text.h"

enum { FINGERPRINT = 32, MESSAGE_SIZE = 1024 };

/* What is found out about a certificate. */
struct finding {
    enum expiry expiry;
    int64_t not_after;
    int64_t left;
    unsigned char fingerprint[FINGERPRINT];
};

/* One whose end cannot be read is none that this tells of: nor does OpenSSL take it for valid. */
static enum expiry find_expiry(const struct policy *policy, const struct ossl *ossl, const X509 *certificate,
                               struct finding *finding)
{
    finding->expiry = EXPIRY_FAR;
    if (!expiry_time(ossl, ossl->X509_get0_notAfter(certificate), &finding->not_after))
        return EXPIRY_FAR;
    finding->left = finding->not_after - (int64_t)time(NULL);
    finding->expiry = expiry_of(finding->left, policy->expiry.threshold_days);
    return finding->expiry;
}

bool monitor_is_needed_for(const struct policy *policy, int64_t not_after)
{
    return expiry_of(not_after - (int64_t)time(NULL), policy->expiry.threshold_days) != EXPIRY_FAR;
}

bool monitor_is_needed(const struct policy *policy, const struct ossl *ossl, const X509 *certificate)
{
    struct finding finding;
    int error = errno;
    ossl->ERR_set_mark();
    bool needed = find_expiry(policy, ossl, certificate, &finding) != EXPIRY_FAR;
    ossl->ERR_pop_to_mark();
    errno = error;
    return needed;
}

static bool find_fingerprint(const struct ossl *ossl, const X509 *certificate, struct finding *finding)
{
    unsigned char *der = NULL;
    int length = ossl->i2d_X509(certificate, &der);
    if (length <= 0 || der == NULL)
        return false;
    const struct piece piece = {der, (size_t)length};
    bool done = ossl_sha256(ossl, &piece, 1, finding->fingerprint);
    ossl->CRYPTO_free(der, __FILE__, __LINE__);
    return done;
}

/* True: a sink took it. */
static bool raise_event(struct reporter *reporter, const struct policy *policy,
                        const struct monitored *monitored, const struct finding *finding,
                        struct records_wait *wait)
{
    char id[2 * FINGERPRINT + 1];
    char message[MESSAGE_SIZE];
    char *name = names_of(monitored->ossl, monitored->certificate);
    text_hex(finding->fingerprint, FINGERPRINT, id);
    expiry_message(name, finding->left, message, sizeof message);
    const struct event_certificate certificate = {
        .id = id,
        .name = name,
        .not_after = finding->not_after,
        .days = expiry_days(finding->left),
        .role = monitored->role == CERTIFICATE_UPSTREAM ? "upstream" : "server",
    };
    const struct event event = {
        .kind =
            finding->expiry == EXPIRY_EXPIRED ? EVENT_CERTIFICATE_EXPIRED : EVENT_CERTIFICATE_EXPIRING_SOON,
        .message = message,
        .certificate = &certificate,
        .domain = monitored->domain,
        .port = monitored->port,
        .peer_address = monitored->peer_address,
        .policy_path = policy->path,
        .wait = wait,
    };
    bool taken = event_raise(reporter, &policy->events, &event);
    free(name);
    return taken;
}

static void check(struct reporter *reporter, const struct policy *policy, const struct monitored *monitored,
                  struct records_wait *wait)
{
    struct finding finding;
    if (find_expiry(policy, monitored->ossl, monitored->certificate, &finding) == EXPIRY_FAR ||
        !find_fingerprint(monitored->ossl, monitored->certificate, &finding))
        return;
    const struct expiry_settings *settings = &policy->expiry;
    const struct cooldown of_check = {COOLDOWN_CHECK, finding.fingerprint, settings->check_cooldown_seconds};
    const struct cooldown of_event = {finding.expiry == EXPIRY_EXPIRED ? COOLDOWN_EXPIRED
                                                                       : COOLDOWN_EXPIRING_SOON,
                                      finding.fingerprint, settings->event_cooldown_seconds};
    struct cooldown_begun check_begun;
    struct cooldown_begun event_begun;
    if (!cooldown_begin(reporter, policy, &of_check, wait, &check_begun) ||
        !cooldown_begin(reporter, policy, &of_event, wait, &event_begun))
        return;
    if (raise_event(reporter, policy, monitored, &finding, wait)) {
        cooldown_say_if_alone(reporter, &event_begun);
        return;
    }
    cooldown_give_back(policy, &event_begun, wait);
    cooldown_give_back(policy, &check_begun, wait);
}

void monitor_check(struct reporter *reporter, const struct policy *policy, const struct monitored *monitored,
                   struct records_wait *wait)
{
    int error = errno;
    monitored->ossl->ERR_set_mark();
    check(reporter, policy, monitored, wait);
    monitored->ossl->ERR_pop_to_mark();
    errno = error;
}
