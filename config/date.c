#include "config/date.h"

#include <stdint.h>
#include <string.h>

/* What day_number() sums up for 1970-01-01. */
#define DAYS_BEFORE_1970 865624

struct date {
    int year, month, day; /* month and day from 1 */
};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool read_numbers(const char *text, struct date *date)
{
    if (strlen(text) != strlen("YYYY-MM-DD"))
        return false;
    *date = (struct date){0};
    for (int i = 0; i < 10; i++) {
        int *part = i < 5 ? &date->year : i < 8 ? &date->month : &date->day;
        if (i == 4 || i == 7) {
            if (text[i] != '-')
                return false;
        } else if (text[i] < '0' || text[i] > '9') {
            return false;
        } else {
            *part = 10 * *part + text[i] - '0';
        }
    }
    return true;
}

static bool is_in_calendar(const struct date *date)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date->month < 1 || date->month > 12 || date->day < 1 || date->day > days[date->month - 1])
        return false;
    return date->month != 2 || date->day < 29 || is_leap(date->year);
}

/* Counted from 1970-01-01, in the proleptic Gregorian calendar. */
static long long day_number(const struct date *date)
{
    static const int before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int year = date->year + 400; /* leap years repeat after 400; year 0 has years before it then */
    int before = year - 1;
    long long days = 365LL * year + before / 4 - before / 100 + before / 400;
    days += before_month[date->month - 1] + (date->month > 2 && is_leap(date->year)) + date->day - 1;
    return days - DAYS_BEFORE_1970;
}

bool date_read(const char *text, time_t *start)
{
    struct date date;
    if (!read_numbers(text, &date) || !is_in_calendar(&date))
        return false;
    long long seconds = 86400 * day_number(&date);
    /* Where time_t has 32 bits, a day beyond them must not become one of the past. */
    *start = sizeof *start < sizeof seconds && seconds > INT32_MAX ? INT32_MAX : (time_t)seconds;
    return true;
}
