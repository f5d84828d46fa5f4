/*
 * A policy: what the policy file says, ready to be asked.
 *
 * Owner: whoever called config_load(); policy_free() frees all of it at once. Threads: a policy does not
 * change after config_load() but for one step, policy_resolve(), and is read without a lock.
 */
#ifndef TLSGRAFT_POLICY_H
#define TLSGRAFT_POLICY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <time.h>

#include "policy/arena.h"
#include "policy/index.h"
#include "policy/pin.h"
#include "policy/record.h"
#include "policy/records.h"
#include "policy/store.h"

/* What a rule, or the policy, does when a check fails. */
enum mode {
    MODE_UNSET, /* of a rule: the policy's */
    MODE_ENFORCE,
    MODE_REPORT,
    MODE_OFF,
};

/* Which keys a pin may be of. */
enum target {
    TARGET_LEAF,
    TARGET_CHAIN, /* also of a certificate of the chain that we verified */
};

/* Who verifies the certificate. */
enum verify {
    VERIFY_PROGRAM, /* the program, as far as it does */
    VERIFY_REQUIRE, /* we do too, chain and name */
    VERIFY_PIN,     /* nobody needs to, if the leaf's key is pinned */
};

enum after_expiry { AFTER_EXPIRY_REPORT, AFTER_EXPIRY_REFUSE };

/* What is done about a peer that no rule, or no name, is known for. */
enum about { ABOUT_ALLOW, ABOUT_REPORT, ABOUT_REFUSE };

/* In the order of age; TLS_OLDER is below every version that a rule can name. */
enum tls_version { TLS_OLDER, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };

/* The word for a version in policy files, "1.2"; "older than 1.0" for TLS_OLDER. */
const char *tls_version_name(enum tls_version version);

/* Of the number that SSL_version(3) gives. */
enum tls_version tls_version_of(int number);

/* The word for a mode in policy files and events. */
const char *mode_name(enum mode mode);

/* Where something stands: the `FILE:LINE` of errors and events. */
struct source {
    const char *file;
    unsigned line; /* from 1 */
};

enum key_kind {
    KEY_PIN,        /* `pin` holds it */
    KEY_PEM,        /* `pem` holds the text; policy_resolve() makes its pin */
    KEY_ID,         /* `name` is the id of a record of the store; see policy/records.h */
    KEY_UNRESOLVED, /* it could not be read; `why` tells */
};

/* One item of `keys`. There may be a hundred thousand, so what no kind has at once shares its place. */
struct key {
    enum key_kind kind;
    bool pin_if_absent; /* KEY_ID: 64 hex digits, which are the pin if the store has no such record */
    union {
        struct pin pin;        /* KEY_PIN; KEY_ID with pin_if_absent */
        struct {               /* KEY_PEM */
            const char *pem;   /* NUL-terminated text */
            size_t pem_number; /* from 0, in the whole policy */
        };
    };
    const char *name; /* as written in the file (an id of digits alone in lower case), or "PEM in place" */
    /* KEY_UNRESOLVED: the reason. KEY_ID: what else it was meant to be, where it can be no id; else NULL */
    const char *why;
};

struct credentials;
struct leaves;
struct trust;

/*
 * `ca_file` and `ca_path`: where the certificates are that we verify up to. Without both: OpenSSL's default
 * places.
 */
struct anchors {
    const char *file;              /* NULL: none */
    const char *file_text;         /* what `file` held when the policy was read; NULL: it could not be read */
    const char *path;              /* a directory; NULL: none */
    _Atomic(struct trust *) trust; /* what policy/verify.c has made of them */
};

/* One element of `pinned_public_keys`. Several domains may lead to it. Small, as struct key. */
struct pin_rule {
    struct source source;
    struct key *keys;
    struct anchors *anchors; /* never NULL */
    time_t expiry;           /* of its keys, where `expires` */
    unsigned key_count;      /* 0: the rule asks for no key */
    enum mode mode : 8;      /* MODE_UNSET: the policy's */
    enum target target : 8;
    enum verify verify : 8;
    enum tls_version min_version : 8; /* TLS_OLDER: any */
    enum after_expiry after_expiry : 8;
    bool expires;
    bool disabled; /* by its section: nothing leads to it */
};

enum candidate_kind {
    CANDIDATE_PEM,        /* `pem` holds the text of a file, or what stands in place */
    CANDIDATE_ID,         /* `name` is the id of a record of the store */
    CANDIDATE_UNRESOLVED, /* its file could not be read; `why` tells */
};

/* One item of `certificate`: a certificate and its private key, perhaps with the rest of the chain. */
struct candidate {
    enum candidate_kind kind;
    size_t number;     /* from 0, in the whole policy */
    const char *name;  /* as written; of a file its path; or "PEM in place" */
    const char *pem;   /* CANDIDATE_PEM: NUL-terminated, and overwritten by policy_free(); else NULL */
    size_t pem_length; /* without the NUL */
    const char *why;   /* CANDIDATE_UNRESOLVED: the reason. CANDIDATE_ID: as in struct key; else NULL */
};

/* One element of `upstream_certificates`. Several domains may lead to it. */
struct upstream_rule {
    struct source source; /* the first member, as in every rule */
    enum mode mode;       /* MODE_UNSET: the policy's */
    struct candidate *candidates;
    size_t candidate_count; /* at least 1; an exception, with `mode` off, may have none */
    bool required;
    bool keep_program_certificate;
    bool disabled; /* by its section: nothing leads to it */
};

/* `certificate_expiry_monitor`. */
struct expiry_settings {
    unsigned threshold_days;
    unsigned check_cooldown_seconds;
    unsigned event_cooldown_seconds;
};

/* One element of `programs`. */
struct section {
    struct source source;
    const char *name;
    const char *const *patterns;
    size_t pattern_count;
    bool pinning_disabled;           /* `certificate_pinning_disabled` */
    struct rule_index pins;          /* its own; empty where that is set */
    struct rule_index disabled_pins; /* else empty; no peer is looked up in it */
    bool upstream_disabled;          /* `upstream_certificates_disabled` */
    struct rule_index upstream;      /* of struct upstream_rule; as `pins` */
    struct rule_index disabled_upstream;
    const char *const *ids; /* that its own rules name, and the global ones do not; see policy_ids() */
    size_t id_count;
};

struct event_sinks {
    const char *file;          /* NULL: none */
    struct source file_source; /* where `file` is set */
    bool to_stderr;
    const char *syslog;                 /* the name of a facility: "daemon", "local0". NULL: none */
    const char *redis_stream;           /* the key of a stream in the Redis of `store`; NULL: none */
    const struct store_settings *store; /* the policy's */
    unsigned redis_stream_maxlen;
};

struct policy {
    struct arena arena; /* holds everything below */
    const char *path;   /* of the policy file */
    enum mode mode;     /* never MODE_UNSET */
    bool report_ungoverned;
    enum about unmatched;
    enum about unnamed;
    struct anchors *anchors;  /* of rules that name none of their own; never NULL */
    const char *organisation; /* never NULL */
    struct store_settings store;
    struct secret secret; /* data NULL: none */
    /* The setting or the variable that gives it, for messages, even if it could not be read; NULL: none does
     */
    const char *secret_from;
    struct records *records; /* NULL: no rule names a record */
    struct rule_index pins;  /* of struct pin_rule: the global ones */
    const char *const *ids;  /* that the global rules name */
    size_t id_count;
    struct rule_index upstream; /* of struct upstream_rule: the global ones */
    struct section *sections;
    size_t section_count;
    struct pin_rule **pin_rules; /* all of them: the global ones, then those of each section */
    size_t pin_rule_count;
    struct upstream_rule **upstream_rules; /* all of them, in the same order */
    size_t upstream_rule_count;
    size_t candidate_count;          /* of all of these */
    struct credentials *credentials; /* NULL: there are none */
    struct expiry_settings expiry;
    const char *state_directory; /* never NULL */
    struct event_sinks events;
    size_t pem_count; /* keys of kind KEY_PEM */
    /*
     * Their pins, by pem_number, and one more: NULL until policy_resolve() is done. From malloc(3); published
     * once, so that any number of threads may resolve at the same time without a lock.
     */
    _Atomic(struct pin *) pem_pins;
    _Atomic(struct leaves *) leaves; /* published once too; NULL: no server was admitted yet */
};

/* Frees a policy and all that belongs to it; its secrets are overwritten before. NULL is allowed. */
void policy_free(struct policy *policy);

/*
 * The pin of a key; NULL: it could not be read, or the policy is not resolved. That of a record is what
 * records_fetch() found last; it lives as long as the policy.
 */
const struct pin *policy_key_pin(const struct policy *policy, const struct key *key);

/*
 * The section of a program: the first of which a pattern matches `path` (of the executable; NULL: not known),
 * its last component, or `name` (what TLSGRAFT_PROGRAM says; NULL: nothing). NULL: there is none.
 */
const struct section *policy_section(const struct policy *policy, const char *path, const char *name);

/*
 * The ids of records that the rules of a program name, each once: the global ones and those of its section
 * (NULL: none). Rules that are off, or taken away by their section, name none. Writes them to `ids` (NULL:
 * only counts them), and returns how many there are. They are the policy's.
 */
size_t policy_ids(const struct policy *policy, const struct section *section, const char **ids);

/* The mode that counts for a rule: its own, else the policy's. */
enum mode policy_rule_mode(const struct policy *policy, const struct pin_rule *rule);
enum mode policy_upstream_mode(const struct policy *policy, const struct upstream_rule *rule);

#endif
