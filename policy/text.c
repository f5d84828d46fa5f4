#include "policy/text.h"

#include <stdio.h>
#include <string.h>

/* The length of the valid UTF-8 sequence at `s`, 0 if there is none. `s` is NUL-terminated. */
static size_t sequence(const unsigned char *s)
{
    size_t length = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 4;
    if (length == 4 && (s[0] < 0xf0 || s[0] > 0xf4))
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

void text_to_utf8(const char *text, char *out, size_t size)
{
    const unsigned char *in = (const unsigned char *)text;
    size_t used = 0;
    while (*in != '\0') {
        size_t length = sequence(in);
        if (used + (length == 0 ? 1 : length) >= size)
            break;
        if (length == 0) {
            out[used++] = '?';
            in++;
            continue;
        }
        memcpy(out + used, in, length);
        used += length;
        in += length;
    }
    out[used] = '\0';
}

static bool is_control(unsigned code)
{
    static const struct {
        unsigned first;
        unsigned last;
    } ranges[] = {
        {0x7f, 0x9f},     /* DEL and C1, which some terminals obey */
        {0x61c, 0x61c},   /* a mark of direction */
        {0x200b, 0x200f}, /* zero-width characters, marks of direction */
        {0x2028, 0x202e}, /* ends of a line and a paragraph, embeddings and overrides of direction */
        {0x2060, 0x206f}, /* invisible operators, isolates of direction */
        {0xfeff, 0xfeff}, /* the byte order mark */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    }
    return false;
}

/* All of them are in the Basic Multilingual Plane: three bytes at most. */
size_t text_control(const char *text, size_t left, unsigned *code)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : 3;
    bool begins = at[0] < 0x80 || (at[0] >= 0xc2 && at[0] < 0xf0);
    if (!begins || length > left)
        return 0;
    *code = length == 1   ? at[0]
            : length == 2 ? (at[0] & 0x1fU) << 6 | (at[1] & 0x3fU)
                          : (at[0] & 0xfU) << 12 | (at[1] & 0x3fU) << 6 | (at[2] & 0x3fU);
    return is_control(*code) ? length : 0;
}

void text_for_terminal(char *text)
{
    char *out = text;
    while (*text != '\0') {
        unsigned code;
        size_t length = sequence((const unsigned char *)text);
        bool shown = length > 0 && (unsigned char)*text >= 0x20 && text_control(text, length, &code) == 0;
        if (shown)
            memmove(out, text, length);
        else
            *out = '?';
        out += shown ? length : 1;
        text += length > 0 ? length : 1;
    }
    *out = '\0';
}

const char *text_for_shell(struct arena *arena, const char *text)
{
    /* Within single quotes nothing is special but their end. */
    static const char quote[] = "'\\''";
    char *word = arena_alloc(arena, strlen(text) * (sizeof quote - 1) + sizeof "''");
    char *out = word;
    if (word == NULL)
        return NULL;
    *out++ = '\'';
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            out = stpcpy(out, quote);
        else
            *out++ = *text;
    }
    stpcpy(out, "'");
    return word;
}

/* gmtime_r(3) may read the time zone's file and takes a lock that a forked child never gets back. */
void text_of_time(time_t time, char out[TEXT_TIME_SIZE])
{
    long long days = (long long)time / 86400;
    int second = (int)((long long)time % 86400);
    if (second < 0) {
        second += 86400;
        days--;
    }
    /* Days since 0000-03-01 in the proleptic Gregorian calendar; eras of 400 years have 146,097 days. */
    days += 719468;
    long long era = (days >= 0 ? days : days - 146096) / 146097;
    int day_of_era = (int)(days - era * 146097);
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int shifted_month = (5 * day_of_year + 2) / 153; /* 0: March */
    int day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    int month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    long long year = era * 400 + year_of_era + (month <= 2);
    snprintf(out, TEXT_TIME_SIZE, "%04lld-%02d-%02dT%02d:%02d:%02dZ", year, month, day, second / 3600,
             second / 60 % 60, second % 60);
}

void text_hex(const unsigned char *bytes, size_t count, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 0xF];
    }
    *text = '\0';
}
