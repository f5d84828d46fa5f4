#include "tests/unit/loaded.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/support.h"

struct policy *policy;

void load(const char *text)
{
    char whole[4096];
    /* With an organisation, digits alone are a pin, and no id. */
    cr_assert_lt(snprintf(whole, sizeof whole, "version = 1; organisation = \"o\"; %s", text),
                 (int)sizeof whole);
    policy_free(policy);
    policy = load_text(&directory, whole, &findings);
    cr_assert_not_null(policy, "%s", findings.text);
}

void loaded_clean(void)
{
    fixture_clean();
    policy_free(policy);
}
