/*
 * The texts of a piece of a list, kept from libconfig's scanner, which takes a quarter of a microsecond for a
 * pin: they are most of a list of rules, and one without a backslash stands for itself. libconfig reads the
 * rest without blanks that keep nothing apart, and with nothing but line ends between the quotes, and its
 * settings get their texts afterwards, in the order in which they stand: it keeps the order of settings.
 *
 * What it says of a text does not depend on what stands between quotes, so that a fault stays one, and what
 * is none does not become one.
 */
#ifndef TLSGRAFT_CONFIG_PLAIN_TEXTS_H
#define TLSGRAFT_CONFIG_PLAIN_TEXTS_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/arena.h"

struct plain_texts {
    const char *first; /* the texts, each with a NUL; NULL: they were left where they stand */
    size_t count;
};

/*
 * Copies `length` bytes of a text that flatten() has passed to `to` (with room for as many), without its
 * texts, which it writes to `texts_to` (likewise). Returns the end of the copy. Where there is a backslash, a
 * comment, or a text that goes on in a second pair of quotes, all is copied as it stands.
 */
char *plain_texts_take_out(const char *from, size_t length, char *to, char *texts_to,
                           struct plain_texts *texts);

/* What is parsed: `length` bytes of a text that flatten() has passed, between two others. */
struct plain_source {
    const char *head;
    const char *text;
    size_t length;
    const char *tail;
};

/* Parses without the plain texts, which the settings get afterwards. NULL: done, as guarded_parse(). */
const char *plain_texts_parse(struct arena *arena, const struct plain_source *source, config_t *config,
                              unsigned *line);

/* Gives the settings of `list` their texts. False: they are not as many. */
bool plain_texts_put_back(const struct plain_texts *texts, const config_setting_t *list);

#endif
