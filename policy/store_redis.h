/* What the parts of the Redis store share: the names of keys, and reading many records at once. */
#ifndef TLSGRAFT_STORE_REDIS_H
#define TLSGRAFT_STORE_REDIS_H

#include "policy/record.h"
#include "policy/store_redis_link.h"

#define REDIS_RECORD_PREFIX  "cert-raw-"
#define REDIS_ELEMENT_PREFIX "raw-"

/* The keys of a valid id and organisation, and what the index calls the record. */
enum { REDIS_KEY_SIZE = RECORD_ID_MAX + 16 };
void redis_record_key(const char *id, char key[REDIS_KEY_SIZE]);
void redis_index_key(const char *organisation, char key[REDIS_KEY_SIZE]);
void redis_index_element(const char *id, char element[REDIS_KEY_SIZE]);

/* Reads records, over a link that may be closed yet. `whys` (NULL: not asked; STORE_WHY_SIZE bytes each): of
 * those that failed. */
void redis_read_many(struct redis_link *link, const char *const *ids, size_t count,
                     enum store_result *results, struct store_text *texts, char *const *whys);

enum store_result store_redis_list(const struct store_settings *store, const char *organisation,
                                   bool (*visit)(void *context, const struct store_listed *listed),
                                   void *context, char *why);

#endif
