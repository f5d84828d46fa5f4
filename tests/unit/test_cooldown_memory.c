/* Cooldowns in the memory of this process. */
#include <criterion/criterion.h>

#include "tests/unit/cooldown_support.h"

TestSuite(cooldown_memory, .init = cooldown_fixture_make, .fini = fixture_clean);

Test(cooldown_memory, memory_holds_until_the_end)
{
    const struct cooldown cooldown = check_of(1);
    cr_expect_not(cooldown_memory_runs(&cooldown, 5000));
    cr_expect(cooldown_memory_begin(&cooldown, 5000, 5000 + MS));
    cr_expect(cooldown_memory_runs(&cooldown, 5000 + MS - 1));
    cr_expect_not(cooldown_memory_begin(&cooldown, 6000, 6000 + MS));
    cr_expect_not(cooldown_memory_runs(&cooldown, 5000 + MS));
    cr_expect(cooldown_memory_begin(&cooldown, 5000 + MS, 5000 + 2 * MS));
    cr_expect_not(cooldown_memory_runs(&cooldown, 4000), "a clock that went backwards");
    const struct cooldown event = {COOLDOWN_EXPIRED, cooldown.fingerprint, SECONDS};
    cr_expect_not(cooldown_memory_runs(&event, 5000 + MS), "another kind");
}

Test(cooldown_memory, memory_is_bounded_and_keeps_what_ends_last)
{
    enum { MANY = 100000 };
    for (unsigned i = 0; i < MANY; i++) {
        const struct cooldown cooldown = check_of(i);
        cr_assert(cooldown_memory_begin(&cooldown, 1000 + i, 1000 + i + MS), "%u", i);
    }
    unsigned held = 0;
    for (unsigned i = 0; i < MANY; i++) {
        const struct cooldown cooldown = check_of(i);
        held += cooldown_memory_runs(&cooldown, 1000 + MANY);
    }
    cr_expect(held > 3000 && held <= 4096, "%u", held);
    const struct cooldown last = check_of(MANY - 1);
    cr_expect(cooldown_memory_runs(&last, 1000 + MANY));
}
