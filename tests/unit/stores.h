/* What the tests of both stores share: records, and writers that are many or are killed. */
#ifndef TLSGRAFT_TESTS_STORES_H
#define TLSGRAFT_TESTS_STORES_H

#include <stdbool.h>
#include <sys/types.h>

#include "policy/store.h"

#define ORGANISATION "5e9d9544a1dcd60001d0ed20"

/* The why of the last call. */
extern char why[STORE_WHY_SIZE];

/* The id of record `number` of an organisation, in a static buffer of a few; and the text that it has, large
 * enough to be written in parts, which is the same for each. */
const char *stores_id(const char *organisation, unsigned number);
extern char stores_text[20000];
extern const struct store_text stores_whole; /* that text */

enum store_result stores_write(const struct store_settings *store, const char *organisation, unsigned number);

/* Reads one; its text is the caller's. */
enum store_result stores_read(const struct store_settings *store, const char *id, struct store_text *text);

/* Is the record there, with the text it should have? */
bool stores_has(const struct store_settings *store, const char *organisation, unsigned number);

/* The ids that store_list() tells, a space after each, and `!` before the space of one that was not read. */
const char *stores_listed(const struct store_settings *store, const char *organisation);

/* `writers` processes write record 0 to `count`-1 at once. How many of the writes ended so. */
struct stores_tally {
    unsigned done;
    unsigned exists;
    unsigned failed;
};
struct stores_tally stores_write_at_once(const struct store_settings *store, unsigned writers,
                                         unsigned count);

/* A process writes the records from `first` on, one after another, and is killed in the middle of it. */
void stores_write_and_die(const struct store_settings *store, unsigned first, bool replace);

#endif
