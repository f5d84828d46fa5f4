/*
 * The certificate store: where records are kept. Two kinds, a directory and Redis; a third is one new file
 * with a `struct store_kind`, and one row in store.c; for the command, a `struct store_manager`, and one row
 * in store_manage.c.
 *
 * A store keeps no connection and no descriptor between calls: its host may fork, close every descriptor, or
 * change its user. So one struct store may be used by any number of threads at once, without a lock.
 */
#ifndef TLSGRAFT_STORE_H
#define TLSGRAFT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "policy/hostio.h"

enum store_type { STORE_DIRECTORY, STORE_REDIS };

enum { STORE_ADDRESSES_MAX = 8 };

struct store_address {
    struct sockaddr_storage address;
    socklen_t length;
};

/* The section `store` of a policy. Texts live as long as the policy. */
struct store_settings {
    enum store_type type;
    const char *path;                                    /* STORE_DIRECTORY */
    const char *address;                                 /* STORE_REDIS: as written, for messages */
    struct store_address addresses[STORE_ADDRESSES_MAX]; /* found when the policy was read; tried in order */
    size_t address_count; /* 0: the name did not resolve; every call fails, and says so */
    const char *username; /* NULL: none */
    const char *password; /* NULL: none */
    size_t password_length;
    unsigned database;
    unsigned timeout_ms;
    unsigned cache_seconds;
    unsigned stale_seconds;
    bool prefetch;
    struct file_identity root; /* of the process, when the policy was read */
};

enum store_result {
    STORE_DONE,
    STORE_ABSENT,   /* the store answers: there is no such record */
    STORE_UNLISTED, /* of a delete: there was no record, only its index element, which is removed */
    STORE_EXISTS,   /* of a write: there is one of that id; nothing was changed */
    STORE_FAILED,   /* it did not answer in time, refused, or answered nonsense; `why` tells */
};

/* Of a read that is STORE_FAILED: what failed? */
enum store_fault {
    STORE_FAULT_CONTACT, /* the store itself, as far as is known: nothing answered */
    STORE_FAULT_RECORD,  /* it answers, but what it holds can be no record: of another type, or too long */
    STORE_FAULT_DENIED,  /* the permission of a file or a Unix socket: whoever this process is may not use it
                          */
    STORE_FAULT_BARRED,  /* this process: a filter on its system calls refuses those without which no store
                          * is reached, whatever its files allow */
};

/* The text of a record: malloc(3), NUL-terminated; the caller's. */
struct store_text {
    char *text; /* NULL: there is none */
    size_t length;
    enum store_fault fault; /* STORE_FAILED */
};
/* Frees the text, and leaves the fault; overwritten, for a record that others wrote may hold its private key
 * in the clear. */
void store_text_free(struct store_text *text);

enum { STORE_WHY_SIZE = 512 };

/*
 * Reads `count` records, in one exchange where the store can: results[i] and texts[i] for ids[i]. The whole
 * of it takes at most `timeout_ms`; a record that had not come then is STORE_FAILED. A text of more than
 * RECORD_TEXT_MAX bytes is STORE_FAILED and not held. `why` (STORE_WHY_SIZE bytes): of the last that failed.
 * Leaves errno as it was; SIGPIPE is not raised.
 */
void store_read(const struct store_settings *store, const char *const *ids, size_t count, unsigned timeout_ms,
                enum store_result *results, struct store_text *texts, char *why);

/*
 * Writes a record and its index element, both or none. `replaces`: if a record of this id has this text, as
 * read before, it is replaced, and keeps its place in the index; NULL, or any other text that has come there
 * since: it is STORE_EXISTS. has_private_key: fewer may read it. Atomic: a process that is
 * killed leaves either no record or a whole one, and two that write the same at once leave one.
 */
enum store_result store_write(const struct store_settings *store, const char *organisation, const char *id,
                              const char *text, size_t length, bool has_private_key,
                              const struct store_text *replaces, char *why);

/* Removes a record and its index element. STORE_UNLISTED: only that was there. STORE_ABSENT: neither was. */
enum store_result store_delete(const struct store_settings *store, const char *organisation, const char *id,
                               char *why);

/*
 * Calls `visit` for each record of an organisation, in the order of upload, with its text (STORE_ABSENT: the
 * index names it, and it is not there; STORE_FAILED: it cannot be read). `total`: how many there are, where
 * known, else 0. Reads many at once. visit returns false to end.
 */
struct store_listed {
    const char *id;
    enum store_result result;
    const char *text; /* STORE_DONE; until visit returns */
    size_t length;
    const char *why; /* STORE_FAILED: half a sentence; until visit returns */
    size_t number;   /* from 0 */
    size_t total;
};
enum store_result store_list(const struct store_settings *store, const char *organisation,
                             bool (*visit)(void *context, const struct store_listed *listed), void *context,
                             char *why);

/*
 * Would the paths of the store lead somewhere else than when the policy was read, for this process has
 * changed its root directory? Then nothing is asked there. errno stays.
 */
bool store_is_out_of_root(const struct store_settings *store);
#define STORE_OUT_OF_ROOT "it is out of reach, for this process has changed its root directory"

/* The word for a store in messages: "directory /etc/tlsgraft/certs", "Redis 127.0.0.1:6379". */
void store_name(const struct store_settings *store, char *name, size_t size);

#endif
