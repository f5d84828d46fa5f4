/* Days of the calendar. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "config/date.h"
#include "policy/text.h"

Test(date, known_days)
{
    /* What `date -u -d DAY +%s` prints. */
    static const struct {
        const char *text;
        long long seconds;
    } days[] = {
        {"1970-01-01", 0},           {"1970-01-02", 86400},        {"1969-12-31", -86400},
        {"2000-02-29", 951782400},   {"2000-03-01", 951868800},    {"2024-02-29", 1709164800},
        {"2026-12-31", 1798675200},  {"2027-01-01", 1798761600},   {"2038-01-20", 2147558400},
        {"2100-02-28", 4107456000},  {"2100-03-01", 4107542400},   {"9999-12-31", 253402214400},
        {"1900-03-01", -2203891200}, {"0001-01-01", -62135596800}, {"0000-01-01", -62167219200},
    };
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        time_t start = 1;
        cr_expect(date_read(days[i].text, &start), "%s", days[i].text);
        cr_expect_eq((long long)start, days[i].seconds, "%s: %lld", days[i].text, (long long)start);
    }
}

/* Against the other direction, which is a computation of its own. */
Test(date, every_day_of_ten_thousand_years)
{
    char text[TEXT_TIME_SIZE];
    for (long long seconds = -62167219200; seconds < 253402300800; seconds += 86400) {
        time_t start = 1;
        text_of_time((time_t)seconds, text);
        text[10] = '\0';
        cr_assert(date_read(text, &start), "%s", text);
        cr_assert_eq((long long)start, seconds, "%s", text);
    }
}

Test(date, what_is_none)
{
    static const char *const texts[] = {
        "",           "2026",       "2026-1-1",   "20260101",   "2026/01/01", "2026-01-01 ", " 2026-01-01",
        "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32", "2026-04-31", "2026-02-29",  "2100-02-29",
        "1900-02-29", "2026-01-1a", "-026-01-01", "2026-01--1", "+026-01-01", "2026-01-01T", "12026-01-01",
        "2024-02-30", "2026-06-31", "2026-09-31", "2026-11-31",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        time_t start = 7;
        cr_expect_not(date_read(texts[i], &start), "%s", texts[i]);
        cr_expect_eq(start, 7);
    }
}
