#include <criterion/criterion.h>
#include <string.h>

#include "policy/record.h"

Test(record_id, what_may_be_one)
{
    static const char *const good[] = {"a", "5e9d9544a1dcd60001d0ed20379edd0d", "an organisation", "a.b"};
    static const char *const bad[] = {"",    ".",      "..",   ".a",   "a/b", "/etc/passwd",
                                      "a..", "a\x01b", "a\nb", "a\x7f"};
    char longest[RECORD_ID_MAX + 2];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect_null(record_id_fault(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not_null(record_id_fault(bad[i]), "%s", bad[i]);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_expect_not_null(record_id_fault(longest));
    longest[RECORD_ID_MAX] = '\0';
    cr_expect_null(record_id_fault(longest));
}
