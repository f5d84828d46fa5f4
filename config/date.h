/* Days of the calendar. No state; thread-safe; the host's locale and time zone are not asked. */
#ifndef TLSGRAFT_CONFIG_DATE_H
#define TLSGRAFT_CONFIG_DATE_H

#include <stdbool.h>
#include <time.h>

/* Reads "YYYY-MM-DD"; `*start` becomes 00:00 UTC of that day. False: it is no date, or no day of the
 * calendar. */
bool date_read(const char *text, time_t *start);

#endif
