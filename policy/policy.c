#include "policy/policy.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "policy/credentials.h"
#include "policy/leaves.h"
#include "policy/verify.h"

/* The versions of DTLS by what they are made of (RFC 6347, RFC 9147); QUIC is TLS 1.3 (RFC 9001). */
enum tls_version tls_version_of(int number)
{
    switch (number) {
    case 0x0301:
        return TLS_1_0;
    case 0x0302:
    case 0xfeff: /* DTLS 1.0 */
        return TLS_1_1;
    case 0x0303:
    case 0xfefd: /* DTLS 1.2 */
        return TLS_1_2;
    case 0x0304:
    case 0xfefc: /* DTLS 1.3 */
    case 1:      /* OSSL_QUIC1_VERSION */
        return TLS_1_3;
    default:
        return TLS_OLDER;
    }
}

const char *mode_name(enum mode mode)
{
    static const char *const names[] = {
        [MODE_UNSET] = "",
        [MODE_ENFORCE] = "enforce",
        [MODE_REPORT] = "report",
        [MODE_OFF] = "off",
    };
    return names[mode];
}

const char *tls_version_name(enum tls_version version)
{
    static const char *const names[] = {
        [TLS_OLDER] = "older than 1.0",
        [TLS_1_0] = "1.0",
        [TLS_1_1] = "1.1",
        [TLS_1_2] = "1.2",
        [TLS_1_3] = "1.3",
    };
    return names[version];
}

void policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    for (size_t i = 0; i < policy->pin_rule_count; i++) {
        if (policy->pin_rules[i] != NULL && policy->pin_rules[i]->anchors != NULL)
            verify_forget(policy->pin_rules[i]->anchors);
    }
    free(atomic_load(&policy->pem_pins));
    leaves_free(atomic_load(&policy->leaves));
    credentials_free(policy->credentials);
    records_free(policy->records);
    /* The secret, the password of the store, and private keys of candidates stand in it. */
    arena_wipe(&policy->arena);
    arena_free(&policy->arena);
    free(policy);
}

enum mode policy_rule_mode(const struct policy *policy, const struct pin_rule *rule)
{
    return rule->mode == MODE_UNSET ? policy->mode : rule->mode;
}

enum mode policy_upstream_mode(const struct policy *policy, const struct upstream_rule *rule)
{
    return rule->mode == MODE_UNSET ? policy->mode : rule->mode;
}

static bool matches(const struct section *section, const char *path, const char *base, const char *name)
{
    for (size_t i = 0; i < section->pattern_count; i++) {
        const char *pattern = section->patterns[i];
        bool whole = strchr(pattern, '/') != NULL;
        const char *subject = whole ? path : base;
        if (subject != NULL && fnmatch(pattern, subject, FNM_PATHNAME) == 0)
            return true;
        if (!whole && name != NULL && fnmatch(pattern, name, FNM_PATHNAME) == 0)
            return true;
    }
    return false;
}

const struct section *policy_section(const struct policy *policy, const char *path, const char *name)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    for (size_t i = 0; i < policy->section_count; i++) {
        if (matches(&policy->sections[i], path, base, name))
            return &policy->sections[i];
    }
    return NULL;
}

static const struct pin *pin_of_record(const struct policy *policy, const struct key *key)
{
    const struct pin *pin = NULL;
    if (policy->records == NULL)
        return NULL;
    enum records_answer answer = records_pin(policy->records, key->name, &pin, NULL);
    return answer == RECORDS_ABSENT && key->pin_if_absent ? &key->pin : pin;
}

static void copy_ids(const char **to, const char *const *from, size_t count)
{
    if (count > 0)
        memcpy(to, from, count * sizeof *to);
}

size_t policy_ids(const struct policy *policy, const struct section *section, const char **ids)
{
    size_t own = section == NULL ? 0 : section->id_count;
    if (ids != NULL) {
        copy_ids(ids, policy->ids, policy->id_count);
        copy_ids(ids + policy->id_count, section == NULL ? NULL : section->ids, own);
    }
    return policy->id_count + own;
}

const struct pin *policy_key_pin(const struct policy *policy, const struct key *key)
{
    if (key->kind == KEY_PIN)
        return &key->pin;
    if (key->kind == KEY_ID)
        return pin_of_record(policy, key);
    if (key->kind != KEY_PEM)
        return NULL;
    const struct pin *pins = atomic_load_explicit(&policy->pem_pins, memory_order_acquire);
    return pins == NULL ? NULL : &pins[key->pem_number];
}
