/*
 * What the tests of cooldowns share: a state directory that is not there yet, certificates by number, and a
 * policy. For a suite's .init and .fini: cooldown_fixture_make(), fixture_clean() (support.h).
 */
#ifndef TLSGRAFT_TESTS_COOLDOWN_SUPPORT_H
#define TLSGRAFT_TESTS_COOLDOWN_SUPPORT_H

#include <sys/types.h>

#include "policy/cooldown_kind.h"
#include "tests/unit/support.h"

enum { SECONDS = 1000, MS = SECONDS * 1000 }; /* how long a cooldown is */
#define ENTRY 32L                             /* bytes, in a file */

/* Made in `directory` by the first one who asks. */
extern char state[96], own[128];
extern char first_file[160]; /* of all certificates below 256 */

/* In the state directory and the log there; of the level error. */
extern struct policy cooldown_policy;
extern struct reporter reporter;

void cooldown_fixture_make(void);

/* A fingerprint; in a static buffer. Those of less than 256 are of one file. */
const unsigned char *numbered(unsigned number);
struct cooldown check_of(unsigned number);

/* cooldown_in_directory(), and what it told. */
extern char said[COOLDOWN_WHY_SIZE];
extern int64_t left_ms;
extern uint64_t mark;
enum cooldown_answer in_directory(enum cooldown_kind kind, unsigned number);
void expect_unusable(const char *words); /* COOLDOWN_UNKNOWN, and they are said */

off_t size_of(const char *path); /* -1: it is not there */

/* cooldown_begin(), and what it told; with all the time of a handshake, or what is left of it. */
extern struct records_wait waited;
extern struct cooldown_begun begun;
bool begins(enum cooldown_kind kind, unsigned number, unsigned seconds);
bool begins_within(enum cooldown_kind kind, const unsigned char *fingerprint, unsigned seconds);
bool begins_for(unsigned number); /* a check */

size_t lines_of_log(void);

/* Twenty processes ask for each of fifty certificates; for how many of these just one went ahead. */
unsigned begun_at_once(bool (*begins_one)(unsigned number));

#endif
