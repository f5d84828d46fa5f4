/*
 * The groups of a list, whichever way they are parsed: with the rest of the text, or, those of a long list
 * (config/long_lists.h), piece by piece. In the text that libconfig reads as a whole the elements of a long
 * list are one number, of a size that no policy file can write (config/flatten.c), and blank lines.
 *
 * What is told of a policy is the same for both: of a text with a fault that libconfig finds only that fault
 * is told. So before the first finding is told, all pieces are parsed.
 */
#ifndef TLSGRAFT_CONFIG_ELEMENTS_H
#define TLSGRAFT_CONFIG_ELEMENTS_H

#include "config/load.h"

/* The text with one element in the place of those of each long list; in the arena. NULL: memory is short. */
const char *elements_take_out(struct arena *arena, const struct flat_text *text);

/* Stands a number of elements_take_out() for the elements of `list`? */
bool elements_are_out(const config_setting_t *list);

/* How many there are in a SETTING_LIST that settings_read() has passed, or NULL. */
size_t elements_count(const struct load *load, const config_setting_t *list);

/*
 * Calls `visit` for each of them, in order, until it returns false. No setting of a group lives longer than
 * the call. Where a piece has a fault it is kept (load->fault), and the rest is left out.
 */
typedef bool element_visit(const config_setting_t *group, void *context);
void elements_each(struct load *load, const config_setting_t *list, element_visit *visit, void *context);

/* Has all that was not visited parsed, the first time; false: libconfig found a fault, then or before. */
bool elements_check(struct load *load);

/* The line of the flat text on which a setting stands. */
unsigned elements_line(const config_setting_t *setting);

#endif
