/* Cooldowns, wherever they are: which place counts, and what is said of it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "tests/unit/cooldown_support.h"

TestSuite(cooldown, .init = cooldown_fixture_make, .fini = fixture_clean);

Test(cooldown, none_leaves_nothing)
{
    cr_expect(begins(COOLDOWN_CHECK, 1, 0));
    cr_expect(begins(COOLDOWN_CHECK, 1, 0));
    cr_expect_neq(access(state, F_OK), 0);
}

Test(cooldown, memory_spares_the_directory)
{
    errno = EDOM;
    cr_expect(begins_for(1));
    cr_expect_not(begins_for(1));
    cr_assert_eq(unlink(first_file), 0);
    cr_expect_not(begins_for(1));
    cr_expect_eq(errno, EDOM);
    cr_expect_neq(access(first_file, F_OK), 0, "it was not looked at");
}

Test(cooldown, where_nothing_can_be_written_memory_counts_and_that_is_said_once)
{
    directory_text(&directory, "state", "a file");
    cr_expect(begins_for(1));
    cr_expect_eq(lines_of_log(), 0, "not before there is an event");
    cr_expect_not(begins_for(1));
    cr_expect(begins_for(2));
    cr_expect(begins(COOLDOWN_EXPIRED, 1, SECONDS));
    cooldown_say_if_alone(&reporter, &begun);
    cooldown_say_if_alone(&reporter, &begun);
    cr_expect_eq(lines_of_log(), 1);
}

Test(cooldown, one_that_others_see_is_not_alone)
{
    cr_expect(begins_for(1));
    cooldown_say_if_alone(&reporter, &begun);
    cr_expect(begins(COOLDOWN_CHECK, 2, 0));
    cooldown_say_if_alone(&reporter, &begun);
    cr_expect_eq(lines_of_log(), 0);
}

Test(cooldown, one_that_is_given_back_begins_again)
{
    cr_expect(begins_for(1));
    cooldown_give_back(&cooldown_policy, &begun, &waited);
    cr_expect(begins_for(1));
    cr_expect_not(begins_for(1));
    /* Without a directory too. */
    cooldown_policy.state_directory = "/dev/null";
    cr_expect(begins_for(2));
    cooldown_give_back(&cooldown_policy, &begun, &waited);
    cr_expect(begins_for(2));
    cr_expect_not(begins_for(2));
    cr_expect(begins(COOLDOWN_CHECK, 3, 0));
    cooldown_give_back(&cooldown_policy, &begun, &waited);
}
