/* What a kind of store has to do, and what the kinds share. Only for store.c and the kinds themselves. */
#ifndef TLSGRAFT_STORE_KIND_H
#define TLSGRAFT_STORE_KIND_H

#include "policy/store.h"

/* A record to be written, and how. */
struct store_upload {
    const char *organisation;
    const char *id;
    const char *text;
    size_t length;
    bool has_private_key;
    const struct store_text *replaces; /* NULL: there must be none */
};

/*
 * The functions of store.h. The ids that they get are valid ones, SIGPIPE is blocked, errno is put back after
 * them; `why` is never NULL.
 */
struct store_kind {
    void (*name)(const struct store_settings *store, char *name, size_t size);
    void (*read)(const struct store_settings *store, const char *const *ids, size_t count,
                 unsigned timeout_ms, enum store_result *results, struct store_text *texts, char *why);
};

extern const struct store_kind store_directory;
extern const struct store_kind store_redis;

/*
 * What the command does besides. By itself, so that the shared object, which only reads, is linked without
 * it: each function of libc that is named in it costs every process at its start.
 */
struct store_manager {
    enum store_result (*write)(const struct store_settings *store, const struct store_upload *upload,
                               char *why);
    enum store_result (*remove)(const struct store_settings *store, const char *organisation, const char *id,
                                char *why);
    enum store_result (*list)(const struct store_settings *store, const char *organisation,
                              bool (*visit)(void *context, const struct store_listed *listed), void *context,
                              char *why);
};

extern const struct store_manager store_directory_manager;
extern const struct store_manager store_redis_manager;

/*
 * Writes `why`, a half sentence that follows the store's name: `WHY; WHAT TO DO`. Control characters, which
 * paths and answers may hold, are replaced. Returns STORE_FAILED.
 */
enum store_result store_fail(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Of an id that is none: `fault`, of record_id_fault(). */
enum store_result store_refuse_id(const char *fault, char *why);

/* Of an open(2), or a connect(2) to a Unix socket, that failed. */
enum store_fault store_fault_of_file(int error);

/* Of a socket(2) that failed: it asks nobody for permission, so who refuses it is a filter. */
enum store_fault store_fault_of_socket(int error);

/* The words for errno, in `words`. */
enum { STORE_ERROR_SIZE = 128 };
const char *store_error(int error, char words[STORE_ERROR_SIZE]);

/* Is `id` the organisation and a hash? */
bool store_is_of(const char *organisation, const char *id);

/* Is this the text that the upload replaces? */
bool store_is_replaced(const struct store_upload *upload, const char *text, size_t length);

/* Ids in the order of their finding. malloc(3); store_ids_free(). */
struct store_ids {
    char **ids;
    size_t count;
    size_t room;
};
/* Of `length` bytes. False: memory is short, or there are more than any store of ours has. */
bool store_ids_add(struct store_ids *list, const char *id, size_t length);
void store_ids_free(struct store_ids *list);

#endif
