#include <criterion/criterion.h>

#include "config/nearest.h"

Test(nearest, distance_counts_slips_of_the_fingers)
{
    cr_expect_eq(word_distance("mode", "mode"), 0);
    cr_expect_eq(word_distance("Mode", "mode"), 0);
    cr_expect_eq(word_distance("mdoe", "mode"), 1);
    cr_expect_eq(word_distance("moe", "mode"), 1);
    cr_expect_eq(word_distance("moode", "mode"), 1);
    cr_expect_eq(word_distance("made", "mode"), 1);
    cr_expect_eq(word_distance("", "mode"), 4);
    cr_expect_eq(word_distance("mode", ""), 4);
}

Test(nearest, a_word_that_is_meant_by_nobody_has_no_nearest)
{
    static const char *const words[] = {"domain", "keys", "mode"};
    cr_expect_str_eq(nearest_word("domian", words, 3), "domain");
    cr_expect_str_eq(nearest_word("key", words, 3), "keys");
    cr_expect_null(nearest_word("certificate", words, 3));
    cr_expect_null(nearest_word(
        "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", words, 3));
}
