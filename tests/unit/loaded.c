#include "tests/unit/loaded.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/support.h"

struct policy *policy;

void load(const char *text)
{
    char whole[4096];
    cr_assert_lt(snprintf(whole, sizeof whole, "version = 1; %s", text), (int)sizeof whole);
    policy_free(policy);
    policy = load_text(&directory, whole, &findings);
    cr_assert_not_null(policy, "%s", findings.text);
}

void loaded_clean(void)
{
    fixture_clean();
    policy_free(policy);
}
