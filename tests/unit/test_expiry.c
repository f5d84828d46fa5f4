/* When a certificate expires: the arithmetic, the words, and the times of certificates. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "policy/expiry.h"
#include "tests/unit/record_support.h"
#include "tests/unit/support.h"

enum { DAY = 86400, UTC_TIME = 23, GENERALIZED_TIME = 24, VECTORS = 11 };

TestSuite(expiry);

static const char *event_of(enum expiry expiry)
{
    static const char *const names[] = {"none", "CertificateExpiringSoon", "CertificateExpired"};
    return names[expiry];
}

static void expect_vector(const json_t *vector)
{
    char message[256];
    int64_t left = json_integer_value(json_object_get(vector, "seconds_until_not_after"));
    unsigned threshold = (unsigned)json_integer_value(json_object_get(vector, "threshold_days"));
    enum expiry expiry = expiry_of(left, threshold);
    cr_expect_str_eq(event_of(expiry), vector_text(vector, "event"), "%" PRId64, left);
    if (expiry == EXPIRY_FAR)
        return;
    const char *days = expiry == EXPIRY_SOON ? "days_remaining" : "days_since_expiry";
    cr_expect_eq(expiry_days(left), json_integer_value(json_object_get(vector, days)), "%" PRId64, left);
    expiry_message("cn.test", left, message, sizeof message);
    cr_expect_str_eq(message, vector_text(vector, "message"));
}

Test(expiry, vectors)
{
    json_t *vectors = json_load_file(TLSGRAFT_VECTORS "/expiry.json", 0, NULL);
    cr_assert_eq(json_array_size(vectors), VECTORS);
    for (size_t i = 0; i < VECTORS; i++)
        expect_vector(json_array_get(vectors, i));
    json_decref(vectors);
}

Test(expiry, to_the_second)
{
    cr_expect_eq(expiry_of(0, 30), EXPIRY_EXPIRED);
    cr_expect_eq(expiry_of(1, 30), EXPIRY_SOON);
    cr_expect_eq(expiry_of((int64_t)30 * DAY, 30), EXPIRY_SOON);
    cr_expect_eq(expiry_of((int64_t)30 * DAY + 1, 30), EXPIRY_FAR);
    cr_expect_eq(expiry_of(1, 0), EXPIRY_FAR);
    cr_expect_eq(expiry_of(0, 0), EXPIRY_EXPIRED);
    cr_expect_eq(expiry_of((int64_t)3650 * DAY, 3650), EXPIRY_SOON);
    cr_expect_eq(expiry_of((int64_t)3650 * DAY + 1, 3650), EXPIRY_FAR);
    cr_expect_eq(expiry_of(INT64_MAX, UINT32_MAX), EXPIRY_FAR);
    cr_expect_eq(expiry_of(INT64_MIN, 0), EXPIRY_EXPIRED);
}

static void expect_message(int64_t left, const char *expected)
{
    char message[256];
    expiry_message("a", left, message, sizeof message);
    cr_expect_str_eq(message, expected);
}

Test(expiry, words)
{
    expect_message(0, "Certificate a is expired since 0 hours");
    expect_message(1, "Certificate a is expiring in 0 hours");
    expect_message(3599, "Certificate a is expiring in 0 hours");
    expect_message(-3600, "Certificate a is expired since 1 hours");
    expect_message(DAY - 1, "Certificate a is expiring in 23 hours");
    expect_message(DAY, "Certificate a is expiring in 1 days");
    expect_message(-DAY, "Certificate a is expired since 1 days");
    expect_message(DAY + 3600 - 1, "Certificate a is expiring in 1 days");
    expect_message(30 * DAY - 1, "Certificate a is expiring in 29 days and 23 hours");
    expect_message(INT64_MAX, "Certificate a is expiring in 106751991167300 days and 15 hours");
    expect_message(INT64_MIN, "Certificate a is expired since 106751991167300 days and 15 hours");
    cr_expect_eq(expiry_days(INT64_MIN), 106751991167300);
    cr_expect_eq(expiry_days(INT64_MAX), 106751991167300);
    cr_expect_eq(expiry_days(-DAY + 1), 0);
}

Test(expiry, a_name_that_is_too_long_leaves_the_rest_whole)
{
    char message[64], name[66000];
    expiry_message(NULL, 1, message, sizeof message);
    cr_expect_str_eq(message, "Certificate  is expiring in 0 hours");
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    expiry_message(name, -DAY, message, sizeof message);
    cr_expect_eq(strlen(message), sizeof message - 1);
    cr_expect_not_null(strstr(message, "xxx... is expired since 1 days"), "%s", message);
    /* A character of several bytes goes as a whole, wherever the cut is. */
    for (size_t begin = 0; begin < 3; begin++) {
        memset(name, 'x', begin);
        for (size_t i = begin; i + 3 < sizeof name; i += 3)
            memcpy(name + i, "\xE2\x82\xAC", 4);
        expiry_message(name, -DAY, message, sizeof message);
        const char *dots = strstr(message, "...");
        cr_assert_not_null(dots);
        cr_expect_eq(dots[-1], '\xAC', "%zu: %s", begin, message);
        cr_expect_not_null(strstr(message, "... is expired since 1 days"), "%s", message);
    }
    for (size_t size = 1; size < sizeof message; size++) {
        expiry_message(name, -DAY, message, size);
        cr_expect_lt(strlen(message), size);
    }
}

/* INT64_MIN + 1: it was refused. */
static int64_t time_of(int type, const char *text)
{
    ASN1_STRING *(*new)(int) = (ASN1_STRING * (*)(int)) crypto_function("ASN1_STRING_type_new");
    int (*set)(ASN1_STRING *, const void *, int) =
        (int (*)(ASN1_STRING *, const void *, int))crypto_function("ASN1_STRING_set");
    void (*release)(ASN1_STRING *) = (void (*)(ASN1_STRING *))crypto_function("ASN1_STRING_free");
    int64_t seconds = 0;
    ASN1_STRING *time = new (type);
    cr_assert_eq(set(time, text, (int)strlen(text)), 1);
    bool done = expiry_time(crypto_table(), time, &seconds);
    release(time);
    return done ? seconds : INT64_MIN + 1;
}

Test(expiry, times_of_both_forms)
{
    cr_expect_eq(time_of(UTC_TIME, "700101000000Z"), 0);
    cr_expect_eq(time_of(GENERALIZED_TIME, "19700101000000Z"), 0);
    cr_expect_eq(time_of(UTC_TIME, "491231235959Z"), 2524607999);
    cr_expect_eq(time_of(UTC_TIME, "500101000000Z"), -631152000, "of 1950");
    cr_expect_eq(time_of(GENERALIZED_TIME, "20500101000000Z"), 2524608000);
    cr_expect_eq(time_of(GENERALIZED_TIME, "20380119031408Z"), 2147483648);
    cr_expect_eq(time_of(GENERALIZED_TIME, "99991231235959Z"), 253402300799);
    cr_expect_eq(time_of(GENERALIZED_TIME, "19691231235959Z"), -1);
    cr_expect_eq(time_of(GENERALIZED_TIME, "16010101000000Z"), -11644473600);
    cr_expect_eq(time_of(GENERALIZED_TIME, "00000101000000Z"), -62167219200);
    cr_expect_eq(time_of(GENERALIZED_TIME, "20000229120000Z"), 951825600);
    cr_expect_eq(time_of(GENERALIZED_TIME, "21000228235959Z") + 1,
                 time_of(GENERALIZED_TIME, "21000301000000Z"));
}

Test(expiry, what_is_no_time_is_refused)
{
    static const char *const bad[] = {"",     "x", "20260230000000Z", "20261301000000Z", "20260101250000Z",
                                      "2026Z"};
    int64_t seconds;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(time_of(GENERALIZED_TIME, bad[i]), INT64_MIN + 1, "%s", bad[i]);
    cr_expect_eq(time_of(UTC_TIME, "260230000000Z"), INT64_MIN + 1);
    cr_expect_eq(time_of(4 /* an octet string */, "20260101000000Z"), INT64_MIN + 1);
    cr_expect_not(expiry_time(crypto_table(), NULL, &seconds), "nor is it now");
}
