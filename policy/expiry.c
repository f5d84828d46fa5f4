#include "policy/expiry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

/* Of any value: that of INT64_MIN is no int64_t. */
static uint64_t magnitude(int64_t left)
{
    return left < 0 ? 0 - (uint64_t)left : (uint64_t)left;
}

enum expiry expiry_of(int64_t left, unsigned threshold_days)
{
    if (left <= 0)
        return EXPIRY_EXPIRED;
    return left <= (int64_t)threshold_days * DAY ? EXPIRY_SOON : EXPIRY_FAR;
}

int64_t expiry_days(int64_t left)
{
    return (int64_t)(magnitude(left) / DAY);
}

static void write_length(int64_t left, char *text, size_t size)
{
    uint64_t hours = magnitude(left) / HOUR;
    uint64_t days = hours / 24;
    hours %= 24;
    if (days == 0)
        snprintf(text, size, "%" PRIu64 " hours", hours);
    else if (hours == 0)
        snprintf(text, size, "%" PRIu64 " days", days);
    else
        snprintf(text, size, "%" PRIu64 " days and %" PRIu64 " hours", days, hours);
}

/* How many bytes of a name that is too long are taken, so that no character of UTF-8 is cut apart. */
static size_t cut_at(const char *name, size_t most)
{
    while (most > 0 && ((unsigned char)name[most] & 0xC0U) == 0x80)
        most--;
    return most;
}

void expiry_message(const char *name, int64_t left, char *message, size_t size)
{
    static const char before[] = "Certificate ", dots[] = "...";
    char after[96], length[64];
    write_length(left, length, sizeof length);
    int end = snprintf(after, sizeof after, " is %s %s", left <= 0 ? "expired since" : "expiring in", length);
    size_t around = sizeof before - 1 + (size_t)end + 1;
    size_t room = size > around ? size - around : 0;
    const char *shown = name == NULL ? "" : name;
    size_t shown_length = strlen(shown);
    bool is_cut = shown_length > room;
    if (is_cut)
        shown_length = cut_at(shown, room > sizeof dots - 1 ? room - (sizeof dots - 1) : 0);
    snprintf(message, size, "%s%.*s%s%s", before, (int)shown_length, shown, is_cut ? dots : "", after);
}

/*
 * Days from 1970-01-01 to a day of the proleptic Gregorian calendar. timegm(3) would do where time_t has 64
 * bits; the year begins in March, so that the leap day is its last, and each month begins after
 * (153 * month + 2) / 5 days.
 */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    enum { YEARS = 400, DAYS = 146097 /* of 400 years */, TO_1970 = 719468 /* from 0000-03-01 */ };
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - (YEARS - 1)) / YEARS;
    int64_t in_era = year - era * YEARS;
    int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year - TO_1970;
}

bool expiry_time(const struct ossl *ossl, const ASN1_TIME *time, int64_t *seconds)
{
    struct tm tm;
    /* Of NULL it would tell the time that it is. */
    if (time == NULL || ossl->ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    int64_t days = days_from_civil((int64_t)tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    *seconds = days * DAY + (int64_t)tm.tm_hour * HOUR + (int64_t)tm.tm_min * 60 + tm.tm_sec;
    return true;
}
