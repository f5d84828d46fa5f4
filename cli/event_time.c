#include "cli/event_time.h"

#include <string.h>

#include "config/date.h"

enum { DAY_LENGTH = 10, AGO_DIGITS_MAX = 9 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes two digits off `*at`. */
static bool take_pair(const char **at, int max, int *value)
{
    const char *text = *at;
    if (!is_digit(text[0]) || !is_digit(text[1]))
        return false;
    *value = 10 * (text[0] - '0') + text[1] - '0';
    *at += 2;
    return *value <= max;
}

static bool take(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* `.123`, or nothing; what is below a nanosecond does not count. */
static bool take_fraction(const char **at, long *nanoseconds)
{
    *nanoseconds = 0;
    if (!take(at, '.'))
        return true;
    if (!is_digit(**at))
        return false;
    for (long unit = 100000000; is_digit(**at); (*at)++, unit /= 10)
        *nanoseconds += unit * (**at - '0');
    return true;
}

/* `Z`, or how far the local time is ahead of UTC. */
static bool take_offset(const char **at, int *seconds)
{
    *seconds = 0;
    if (take(at, 'Z') || take(at, 'z'))
        return true;
    bool behind = **at == '-';
    int hours;
    int minutes;
    if (!take(at, behind ? '-' : '+') || !take_pair(at, 23, &hours) || !take(at, ':') ||
        !take_pair(at, 59, &minutes))
        return false;
    *seconds = (behind ? -1 : 1) * (3600 * hours + 60 * minutes);
    return true;
}

bool event_time_read(const char *text, struct timespec *time)
{
    char day[DAY_LENGTH + 1] = "";
    time_t start;
    strncat(day, text, DAY_LENGTH);
    if (!date_read(day, &start))
        return false;
    int hours;
    int minutes;
    int seconds;
    int offset;
    const char *at = text + DAY_LENGTH;
    if (!(take(&at, 'T') || take(&at, 't')) || !take_pair(&at, 23, &hours) || !take(&at, ':') ||
        !take_pair(&at, 59, &minutes) || !take(&at, ':') || !take_pair(&at, 60, &seconds) ||
        !take_fraction(&at, &time->tv_nsec) || !take_offset(&at, &offset) || *at != '\0')
        return false;
    time->tv_sec = start + 3600L * hours + 60L * minutes + seconds - offset;
    return true;
}

static bool read_ago(const char *text, time_t now, struct timespec *time)
{
    static const char units[] = "smhd";
    static const long seconds[] = {1, 60, 3600, 86400};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > AGO_DIGITS_MAX || text[digits] == '\0' || text[digits + 1] != '\0')
        return false;
    const char *unit = strchr(units, text[digits]);
    if (unit == NULL)
        return false;
    long long ago = 0;
    for (size_t i = 0; i < digits; i++)
        ago = 10 * ago + (text[i] - '0');
    *time = (struct timespec){.tv_sec = (time_t)(now - ago * seconds[unit - units])};
    return true;
}

bool event_time_since(const char *text, time_t now, struct timespec *time)
{
    *time = (struct timespec){0};
    return date_read(text, &time->tv_sec) || event_time_read(text, time) || read_ago(text, now, time);
}

bool event_time_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}
